"""Weather: hours of every station, the daily set, ISD-Lite and warnings, all from one observed truth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from citylake.synthetic.defects import Change, Defect, always, when
from citylake.synthetic.observatory import Hour, met_days, observed, place
from citylake.synthetic.order import Order
from citylake.synthetic.world import Row, World, codes, month_end, rain_hours

MISSING, TRACE, BLANK = "32766", "32700", "32744"
CALENDAR_OFFICE = ("54335", date(2016, 2, 1))  # this station's observer summed calendar days in that month


def orders(world: World, month: date) -> Iterator[tuple[Order, Iterator[Row]]]:
    """The hours of the month, its days after the daily set, the hours of ISD-Lite, and the warnings."""
    seed, root = world.seed, world.root
    yield (
        _order(world, "weather/station_hourly", month, f"SURF_CHN_HOR_{month:%Y%m}.csv", "station_code", 0.3),
        weather(seed, month, root),
    )
    daily = "SURF_CLI_CHN_MUL_DAY"
    yield (
        _order(
            world,
            "weather/climate_daily_rain",
            month,
            f"{daily}-PRE-13011-{month:%Y%m}.TXT",
            "station_code",
            10,
        ),
        daily_rain(seed, month, root),
    )
    name = f"{daily}-TEM-12001-{month:%Y%m}.TXT"
    yield (
        _order(world, "weather/climate_daily_temperature", month, name, "station_code", 10),
        daily_temperature(seed, month, root),
    )
    yield (
        _order(world, "weather/isd_lite", month, f"543420-99999-{month:%Y%m}.gz", None, 0.3),
        isd_lite(seed, month, root),
    )
    yield (
        _order(world, "weather/warning", month, f"预警信号{month:%Y%m}.csv", "warning_no", 8),
        warnings(seed, month),
    )


def _order(
    world: World, dataset: str, month: date, file: str, distinct_of: str | None, share: float
) -> Order:
    period = f"{month:%Y-%m}"
    return Order(
        world.contracts[dataset],
        f"{period}-001",
        period,
        "changes",
        month_end(month),
        file,
        distinct_of=distinct_of,
        defect_share=share,
    )


def weather(seed: int, month: date, root: Path) -> Iterator[Row]:
    """Hourly observations of every weather station, but for the hours that never arrived."""
    stations = {s["code"]: s for s in codes(root, "weather_stations")}
    for hour in observed(seed, month, root):
        if not hour.lost:
            yield _hour(hour, place(stations[hour.station], hour.at))


def _hour(hour: Hour, where: Row) -> Row:
    at, warm = hour.at, hour.temperature / 10
    return {
        "station_code": hour.station,
        **where,
        "year": str(at.year),
        "month": str(at.month),
        "day": str(at.day),
        "hour": str(at.hour),
        "pressure_hpa": f"{1012 - warm / 3:.1f}",
        "pressure_qc": "0",
        "temperature_celsius": f"{warm:.1f}",
        "temperature_qc": "0",
        "humidity_pct": str(hour.humidity),
        "humidity_qc": "0",
        "rain_mm": f"{hour.rain / 10:.1f}",
        "rain_qc": "0",
        "wind_direction_deg": str(hour.wind_direction),
        "wind_direction_qc": "0",
        "wind_speed_ms": f"{hour.wind_speed:.1f}",
        "wind_speed_qc": "0",
    }


def daily_rain(seed: int, month: date, root: Path) -> Iterator[Row]:
    """Precipitation by meteorological day in 0.1 mm: snow, mixed, frost, trace, blank and missing by their
    codes.
    """
    for station, day, met, calendar in met_days(seed, month, root):
        rng = Random(f"{seed}/daily rain/{station}/{day}")
        hours = calendar if (station, month) == CALENDAR_OFFICE else met
        night = sum(h.rain for h in hours if not 8 < h.at.hour <= 20)
        light = sum(h.rain for h in hours if 8 < h.at.hour <= 20)
        parts = _rain_codes(night, light, _mean(met), rng)
        quality = ["8" if p == MISSING else "0" for p in parts]
        names = ("rain_20_08", "rain_08_20", "rain_20_20")
        yield {
            **_place_and_day(station, day, root),
            **{f"{n}_mm": p for n, p in zip(names, parts, strict=True)},
            **{f"{n}_qc": q for n, q in zip(names, quality, strict=True)},
            "#calendar": str(sum(h.rain for h in calendar)),
        }


def _rain_codes(night: int, light: int, mean: int, rng: Random) -> tuple[str, str, str]:
    """Amounts of the two halves and of the day as the set writes them; `mean` is the day's temperature in 0.1
    degrees.
    """
    chance = rng.random()
    if chance < 0.02:
        return MISSING, MISSING, MISSING
    if night + light:
        base = 30000 if mean < -20 else 31000 if mean < 10 else 0
        return str(base + night if night else 0), str(base + light if light else 0), str(base + night + light)
    if chance < 0.08:
        return (TRACE, "0", TRACE) if chance < 0.05 else ("0", TRACE, TRACE)
    if chance < 0.12:
        frost = str(32000 + rng.randrange(1, 4))
        return frost, "0", frost
    return (BLANK, BLANK, BLANK) if chance > 0.99 else ("0", "0", "0")


def daily_temperature(seed: int, month: date, root: Path) -> Iterator[Row]:
    """Temperatures by meteorological day in 0.1 degrees; the extremes between two hours lie beyond those of
    the hours.
    """
    for station, day, met, _ in met_days(seed, month, root):
        rng = Random(f"{seed}/daily temperature/{station}/{day}")
        values = (
            _mean(met),
            max(h.temperature for h in met) + rng.randrange(9),
            min(h.temperature for h in met) - rng.randrange(9),
        )
        texts = [MISSING] * 3 if rng.random() < 0.02 else [str(v) for v in values]
        names = ("temperature_mean", "temperature_max", "temperature_min")
        yield {
            **_place_and_day(station, day, root),
            **{f"{n}_celsius": t for n, t in zip(names, texts, strict=True)},
            **{f"{n}_qc": "8" if texts[0] == MISSING else "0" for n in names},
        }


def _mean(hours: tuple[Hour, ...]) -> int:
    """Mean of 02, 08, 14 and 20 hours in 0.1 degrees."""
    return round(sum(h.temperature for h in hours if h.at.hour in (2, 8, 14, 20)) / 4)


def _place_and_day(station: str, day: date, root: Path) -> Row:
    known = next(s for s in codes(root, "weather_stations") if s["code"] == station)
    where = place(known, datetime(day.year, day.month, day.day, 20))
    estimated = 100000 if station == "54336" else 0
    return {
        "station_code": station,
        "latitude": _ddmm(where["latitude"]),
        "longitude": _ddmm(where["longitude"]),
        "altitude_m": str(estimated + round(float(where["altitude_m"]) * 10)),
        "year": str(day.year),
        "month": str(day.month),
        "day": str(day.day),
        "#decimal": f"{float(where['latitude']) * 100:.0f}",
    }


def _ddmm(degrees: str) -> str:
    whole, minutes = divmod(round(float(degrees) * 60), 60)
    return f"{whole}{minutes:02d}"


def isd_lite(seed: int, month: date, root: Path) -> Iterator[Row]:
    """The hours of station 54342 as the WMO exchange has them: UTC, tenths, -9999 for missing, rain every six
    hours.
    """
    rng = Random(f"{seed}/isd/{month}")
    recent: list[int] = []
    for hour in (h for h in observed(seed, month, root) if h.station == "54342"):
        recent = [*recent[-5:], hour.rain]
        utc = hour.at - timedelta(hours=8)
        six = sum(recent) if utc.hour % 6 == 0 and len(recent) == 6 else -9999
        yield {
            "year": f"{utc:%Y}",
            "month": f"{utc:%m}",
            "day": f"{utc:%d}",
            "hour": f"{utc:%H}",
            "temperature_celsius": str(hour.temperature),
            "dew_point_celsius": str(hour.temperature - 2 * (100 - hour.humidity)),
            "sea_level_pressure_hpa": str(round(10180 - hour.temperature / 3)),
            "wind_direction_deg": str(hour.wind_direction),
            "wind_speed_ms": str(round(hour.wind_speed * 10)),
            "sky_code": " -9999",
            "rain_1h_mm": "-9999",
            "rain_6h_mm": "-1" if six == 0 and rng.random() < 0.1 else str(six),
        }


def warnings(seed: int, month: date) -> Iterator[Row]:
    """Warnings of the month by time of issue; the last stays in force beyond the month's end and comes again,
    lifted, with the next one.
    """
    before = (month - timedelta(days=1)).replace(day=1)
    if before.year == month.year:
        yield list(_issued(seed, before))[-1]
    *rows, last = _issued(seed, month)
    yield from rows
    yield last | {"lifted_at": ""}


def _issued(seed: int, month: date) -> Iterator[Row]:
    """Rain or snow before every spell of precipitation, and some of other kinds."""
    rng, begin = Random(f"{seed}/warnings/{month}"), datetime(month.year, month.month, 1)
    kind = "暴雪" if month.month in (12, 1, 2) else "暴雨"
    spells = [
        (kind, begin + timedelta(hours=a), begin + timedelta(hours=b))
        for a, b in _spells(rain_hours(seed, month))
    ]
    for other in ("寒潮", "大雾", "霾", "道路结冰", "大风", "寒潮", "大雾", "霾"):
        start = begin + timedelta(hours=rng.randrange(24 * 26))
        spells.append((other, start, start + timedelta(hours=rng.randrange(4, 40))))
    end = month_end(month)
    spells.append(("道路结冰", end - timedelta(hours=30), end + timedelta(hours=9)))
    for n, (name, start, stop) in enumerate(sorted(spells, key=lambda s: s[1]), 1):
        issued, lifted = (
            max(begin, start - timedelta(minutes=rng.randrange(60, 170))),
            stop + timedelta(minutes=rng.randrange(1, 90)),
        )
        yield {
            "warning_no": f"沈气预警〔{month.year}〕{month.month:02d}{n:02d}号",
            "warning_kind": name,
            "warning_level": rng.choice(("蓝色", "蓝色", "黄色", "橙色")),
            "issued_at": f"{issued:%Y-%m-%d %H:%M:%S}",
            "lifted_at": f"{lifted:%Y-%m-%d %H:%M:%S}",
            "area_name": "全市",
        }


def _spells(rain: dict[int, float]) -> Iterator[tuple[int, int]]:
    """First and last hour of every spell of wet hours."""
    wet = sorted(rain)
    starts = [h for h in wet if h - 1 not in rain]
    ends = [h for h in wet if h + 1 not in rain]
    yield from zip(starts, ends, strict=True)


def _summed_codes(v: str, row: Row, rng: Random) -> str | None:
    """The halves added as if their codes were amounts."""
    total = int(row["rain_20_08_mm"]) + int(row["rain_08_20_mm"])
    return str(total) if total > 32700 and str(total) not in (MISSING, TRACE, BLANK) else None


def _calendar_total(v: str, row: Row, rng: Random) -> str | None:
    """The sum to midnight beside the halves to 20:00, where they differ."""
    base = int(v) // 1000 * 1000 if int(v) >= 30000 else 0
    same = int(v) - base == int(row["#calendar"])
    return (
        None if same or v in (MISSING, TRACE, BLANK) or base == 32000 else str(base + int(row["#calendar"]))
    )


def _no_such_day(v: str, row: Row, rng: Random) -> str | None:
    """The day after the last of its month."""
    following = date(int(row["year"]), int(row["month"]), int(v)) + timedelta(days=1)
    return str(int(v) + 1) if following.day == 1 else None


def _decimal_latitude(v: str, row: Row, rng: Random) -> str | None:
    """Hundredths of a degree in place of minutes; a reader can tell where they are 60 and more."""
    return row["#decimal"] if int(row["#decimal"]) % 100 >= 60 else None


def _lifted_before(v: str, row: Row, rng: Random) -> str | None:
    return f"{datetime.fromisoformat(row['issued_at']) - timedelta(hours=5):%Y-%m-%d %H:%M:%S}"


def _open_end(v: str, row: Row, rng: Random) -> str | None:
    return None if v else "2099-12-31 00:00:00"


def _other_writing(v: str, row: Row, rng: Random) -> str | None:
    at = datetime.fromisoformat(v)
    return rng.choice((f"{at:%Y.%m.%d %H:%M:%S}", f"{at.year}/{at.month}/{at.day} {at.hour}:{at:%M}"))


def _tenfold(limit: int) -> Change:
    """Written in hundredths; a reader can tell where the value leaves what can be."""
    return when(lambda v: v != MISSING and abs(int(v)) > limit, lambda v: f"{v}0")


_HOUR = (
    Defect("D71", "temperature_celsius", "temperature_celsius.missing_code", "repair", always("999999")),
    Defect("D71", "rain_mm", "rain_mm.trace", "repair", always("999990")),
    Defect("D70", "temperature_celsius", "temperature_celsius.range", "flag", always("253")),
)
_DAILY_RAIN = (
    Defect("D72", "rain_20_20_mm", "climate_daily_rain.parts_differ", "flag", _calendar_total),
    Defect("D71", "rain_20_20_mm", "rain_20_20_mm.unknown_code", "flag", _summed_codes),
    Defect("D75", "latitude", "latitude.minutes", "flag", _decimal_latitude),
    Defect("D50", "day", "observed_on.unparsable", "quarantine", _no_such_day),
)
_DAILY_TEMPERATURE = (
    Defect("D70", "temperature_mean_celsius", "temperature_mean_celsius.range", "flag", _tenfold(45)),
    Defect("D75", "latitude", "latitude.minutes", "flag", _decimal_latitude),
    Defect("D50", "day", "observed_on.unparsable", "quarantine", _no_such_day),
)
_ISD = (Defect("D70", "temperature_celsius", "temperature_celsius.range", "flag", _tenfold(45)),)
_WARNING = (
    Defect("D48", "issued_at", "issued_at.repaired", "repair", _other_writing),
    Defect("D51", "lifted_at", "warning.reversed", "quarantine", _lifted_before),
    Defect("D50", "lifted_at", "lifted_at.repaired", "repair", _open_end),
)
DEFECTS = {
    "weather/station_hourly": _HOUR,
    "weather/climate_daily_rain": _DAILY_RAIN,
    "weather/climate_daily_temperature": _DAILY_TEMPERATURE,
    "weather/isd_lite": _ISD,
    "weather/warning": _WARNING,
}
