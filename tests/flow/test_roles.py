"""The store keeps every role to its list: each role, folder and verb by a real request, and attacks on the
edges of what is allowed.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from citylake.appliance.services import down, up
from citylake.contract.load import load_contracts
from citylake.core.names import FOLDERS
from citylake.core.settings import Settings
from citylake.privacy.roles import holds_facts_of_persons, role_keys, roles
from citylake.storage.store import open_store
from typer.testing import CliRunner

from tests.conftest import PORTS, free_ports

# What may be done, as a person would write it down: R read, L list, W write, D delete, "-" nothing.
# "grid" stands for datasets without persons; civil and weather are the senders of these departments.
EXPECTED = """
folder                                    admin analyst auditor ingest refine publisher upkeep civil weather
inbox/civil_affairs/resident/2016-01      RLWD  -       RL      RLWD   -      L         L      RLWD  -
inbox/weather/station_hourly/2016-01      RLWD  -       RL      RLWD   -      L         L      -     RLWD
inbox/construction/grid/2016-01           RLWD  -       RL      RLWD   -      L         L      -     -
landing/civil_affairs/resident            RLWD  -       RL      RLW    RL     L         L      -     -
landing/weather/station_hourly            RLWD  -       RL      RLW    RL     L         L      -     -
receipts/civil_affairs                    RLWD  -       RL      RLW    RL     RL        RL     RL    -
receipts/weather                          RLWD  -       RL      RLW    RL     RL        RL     -     RL
letters/civil_affairs                     RLWD  -       RL      RLW    RL     RL        RL     RL    -
letters/weather                           RLWD  -       RL      RLW    RL     RL        RL     -     RL
notices/civil_affairs                     RLWD  -       RL      -      RLW    RL        RL     RL    -
evidence/civil_affairs/resident           RLWD  -       RL      RLW    RLW    RLW       RL     -     -
evidence/release                          RLWD  -       RL      RLW    RLW    RLW       RL     -     -
contracts/civil_affairs/resident          RLWD  -       RL      RLW    RL     RL        RL     -     -
rules/civil_affairs/resident              RLWD  -       RL      -      RLW    RL        RL     -     -
releases                                  RLWD  RL      RL      -      -      RLW       RL     -     -
tokens                                    RLWD  -       RL      RLW    -      L         L      -     -
seals                                     RLWD  -       RL      -      -      RLW       RLW    -     -
bronze/civil_affairs/resident             RLWD  -       RL      RLW    RL     RL        RLWD   -     -
bronze/construction/grid                  RLWD  -       RL      RLW    RL     RL        RLWD   -     -
stage/construction/grid/00000001          RLWD  -       RL      -      RLWD   L         RLD    -     -
silver/construction/grid                  RLWD  RL      RL      -      RLWD   RL        RLWD   -     -
silver/weather/station_hourly             RLWD  RL      RL      -      RLWD   RL        RLWD   -     -
silver/civil_affairs/resident             RLWD  -       RL      -      RLWD   RL        RLWD   -     -
silver/civil_affairs/movement             RLWD  -       RL      -      RLWD   RL        RLWD   -     -
silver/market_regulation/legal_entity     RLWD  -       RL      -      RLWD   RL        RLWD   -     -
silver/development_reform/admin_penalty   RLWD  -       RL      -      RLWD   RL        RLWD   -     -
silver/construction/nobody_knows          RLWD  -       RL      -      RLWD   RL        RLWD   -     -
quarantine/construction/grid              RLWD  -       RL      -      RLWD   RL        RLWD   -     -
kept/credit/entity                        RLWD  -       RL      -      RLWD   RL        RLWD   -     -
marts/credit/entity_file                  RLWD  RL      RL      -      RLWD   RL        RLWD   -     -
audit/restatement                         RLWD  RL      RL      -      RLWD   RLW       RLWD   -     -
open/2016-03                              RLWD  -       RL      -      -      RLW       RL     -     -
doctor                                    RLWD  -       RL      -      -      L         L      -     -
"""
_HEAD, *_ROWS = (line.split() for line in EXPECTED.strip().splitlines())
COLUMNS = {"civil": "sender-civil_affairs", "weather": "sender-weather"}
CELLS = {(row[0], role, verb) for row in _ROWS for role in _HEAD[1:] for verb in "RLWD"}
_SAID = {(row[0], role): said for row in _ROWS for role, said in zip(_HEAD[1:], row[1:], strict=True)}
ALLOWED = {cell for cell in CELLS if cell[2] in _SAID[cell[:2]]}
CANARY = b"210102198803071018"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A store of its own with one object in every folder of the table; no Spark."""
    ports: dict[str, Any] = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    found = Settings(
        state=tmp_path_factory.mktemp("state"), lake="citylake", spark_remote="sc://127.0.0.1:1", **ports
    )
    up(found)
    for row in _ROWS:
        _client(found, "admin").put_object(Bucket=found.lake, Key=f"{row[0]}/object", Body=CANARY)
    yield found
    down(found)


def _client(settings: Settings, role: str) -> Any:
    access, secret = role_keys(settings, COLUMNS.get(role, role))
    config = Config(
        s3={"addressing_style": "path"},
        retries={"max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client(
        "s3",
        endpoint_url=settings.endpoint,
        region_name="us-east-1",
        aws_access_key_id=access,
        aws_secret_access_key=secret.get_secret_value(),
        config=config,
    )


def _done(request: Callable[[], Any]) -> bool:
    """Whether the store did what was asked; anything but a plain refusal of the right is an error here."""
    try:
        request()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "403"):
            raise
        return False
    return True


def _tried(client: Any, bucket: str, folder: str, role: str, verb: str) -> bool:
    match verb:
        case "R":
            return _done(lambda: client.get_object(Bucket=bucket, Key=f"{folder}/object"))
        case "L":
            return _done(lambda: client.list_objects_v2(Bucket=bucket, Prefix=f"{folder}/"))
        case "W":
            return _done(lambda: client.put_object(Bucket=bucket, Key=f"{folder}/by-{role}", Body=b"w"))
        case _:
            return _done(lambda: client.delete_object(Bucket=bucket, Key=f"{folder}/victim-{role}"))


def test_every_role_can_do_in_every_folder_what_the_table_says_and_nothing_else(settings: Settings) -> None:
    admin, bucket = _client(settings, "admin"), settings.lake
    assert len(CELLS) >= 320
    clients = {role: _client(settings, role) for role in _HEAD[1:]}
    came = set[tuple[str, str, str]]()
    for folder, role, verb in sorted(CELLS):
        if verb == "D":
            admin.put_object(Bucket=bucket, Key=f"{folder}/victim-{role}", Body=b"v")
        if _tried(clients[role], bucket, folder, role, verb):
            came.add((folder, role, verb))
    assert sorted(came - ALLOWED) == []
    assert sorted(ALLOWED - came) == []
    held = set(_keys(admin, bucket))  # the answers were true
    assert {c for c in CELLS if c[2] == "W" and f"{c[0]}/by-{c[1]}" in held} == {
        c for c in came if c[2] == "W"
    }
    gone = {c for c in CELLS if c[2] == "D" and f"{c[0]}/victim-{c[1]}" not in held}
    assert gone == {c for c in came if c[2] == "D"}


def _keys(client: Any, bucket: str) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def test_the_table_names_every_folder_that_the_lake_writes() -> None:
    assert {row[0].split("/")[0] for row in _ROWS} == set(FOLDERS)


def test_analysts_read_the_silver_of_no_dataset_with_persons(root: Any) -> None:
    contracts = load_contracts(root)
    persons = {"birth_date", "sex_code", "ethnicity_code", "person_name", "person_name_token", "resident_id"}
    told = {
        c.id for c in contracts.values() if c.kind != "mart" and persons & {x.type.name for x in c.columns}
    }
    assert len(told) > 8 and "civil_affairs/resident" in told
    assert told == {c.id for c in contracts.values() if holds_facts_of_persons(c)}
    opened = {
        p.removeprefix("silver/").rstrip("/") for p in roles(contracts)["analyst"].allowed if "silver" in p
    }
    assert opened == {c.id for c in contracts.values() if c.kind != "mart"} - told


def _raw(settings: Settings, role: str | None, method: str, path: str, **more: Any) -> tuple[int, bytes]:
    """One request with its path exactly as given, signed by a role or by nobody."""
    body: bytes = more.get("body", b"")
    headers = {"x-amz-content-sha256": hashlib.sha256(body).hexdigest(), **more.get("headers", {})}
    request = AWSRequest(method, f"{settings.endpoint}{path}", headers, body)
    if role is not None:
        access, secret = role_keys(settings, COLUMNS.get(role, role))
        S3SigV4Auth(Credentials(access, secret.get_secret_value()), "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", settings.port_s3, timeout=20)
    connection.request(method, path, body=body, headers=dict(request.headers.items()))
    answer = connection.getresponse()
    return answer.status, answer.read()


# Ways to name an object that a role may not read, beside or below one that it may.
READING = """
silver/construction/grid/../../../landing/civil_affairs/resident/object
silver/construction/grid/..%2f..%2f..%2flanding/civil_affairs/resident/object
silver/construction/grid/%2e%2e/%2e%2e/%2e%2e/landing/civil_affairs/resident/object
silver/construction/grid/%252e%252e/%252e%252e/%252e%252e/landing/civil_affairs/resident/object
silver/construction/grid/..%5c..%5c..%5clanding/civil_affairs/resident/object
silver/construction/grid//../../../landing/civil_affairs/resident/object
silver//construction/grid/../../civil_affairs/resident/object
silver/civil_affairs%2fresident/object
silver/civil_affairs//resident/object
/silver/civil_affairs/resident/object
silver%2Fcivil_affairs%2Fresident%2Fobject
./silver/civil_affairs/resident/object
marts/../silver/civil_affairs/resident/object
marts/%2e%2e/landing/civil_affairs/resident/object
releases/..;/landing/civil_affairs/resident/object
landing/civil_affairs/resident/object?versionId=null
landing/civil_affairs/resident/object?partNumber=1
landing/civil_affairs/resident/object?attributes
landing/civil_affairs/resident/object?tagging
landing/civil_affairs/resident/object?acl
landing/civil_affairs/resident/object?torrent
landing/civil_affairs/resident/object?legal-hold
silver/constructionx/grid/object
silver/construction/grid%00/../../../landing/civil_affairs/resident/object
bronze/civil_affairs/resident/object
stage/construction/grid/00000001/object
inbox/civil_affairs/resident/2016-01/object
""".strip().splitlines()
LISTING = [
    "",
    *"""
prefix=
prefix=silver
prefix=silver/
prefix=silver/c
prefix=silver/construction/gri
prefix=silver/construction/grid
prefix=marts
prefix=/
prefix=landing/
prefix=bronze/
prefix=silver/civil_affairs/
prefix=silver/civil_affairs/resident
prefix=landing
prefix=silver/construction/grid/&prefix=landing/
prefix=landing/&prefix=silver/construction/grid/
prefix=silver/construction/grid/../../../landing/
prefix=silver/construction/grid/%2e%2e/
prefix=silver/construction/grid/..%2f..%2f..%2flanding%2f&delimiter=/
prefix=marts/../landing/
list-type=2&prefix=&delimiter=/
list-type=2&prefix=silver/&delimiter=resident
list-type=2&prefix=silver/construction/grid/&start-after=landing/
marker=landing/civil_affairs/resident
list-type=2&prefix=silver/construction/grid/&continuation-token=bGFuZGluZw==
versions
uploads
versions&prefix=landing/
uploads&prefix=landing/
Prefix=landing/
prefix=silver%2Fcivil_affairs%2F
""".strip().splitlines(),
]


@pytest.mark.parametrize("path", READING)
def test_no_spelling_of_a_key_opens_what_an_analyst_may_not_read(settings: Settings, path: str) -> None:
    for method in ("GET", "HEAD"):
        status, body = _raw(settings, "analyst", method, f"/{settings.lake}/{path}")
        assert status >= 300
        assert CANARY not in body


@pytest.mark.parametrize("query", LISTING)
def test_no_listing_names_what_an_analyst_may_not_see(settings: Settings, query: str) -> None:
    _, body = _raw(settings, "analyst", "GET", f"/{settings.lake}?{query}")
    opened = tuple(f"{row[0]}/".encode() for row in _ROWS if "L" in _SAID[row[0], "analyst"])
    told = re.findall(rb"<Key>(.*?)</Key>|<CommonPrefixes><Prefix>(.*?)</Prefix>", body)
    assert all((key or prefix).startswith(opened) for key, prefix in told)


def _outside(settings: Settings) -> dict[str, str]:
    """Every object of every bucket but the inbox of civil_affairs, by its tag."""
    admin = _client(settings, "admin")
    return {
        f"{bucket['Name']}/{item['Key']}": item["ETag"]
        for bucket in admin.list_buckets()["Buckets"]
        for page in admin.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"])
        for item in page.get("Contents", [])
        if not item["Key"].startswith("inbox/civil_affairs/")
    }


def _multipart_copy(client: Any, bucket: str, source: str) -> None:
    place = {"Bucket": bucket, "Key": "inbox/civil_affairs/resident/x/part"}
    upload = client.create_multipart_upload(**place)["UploadId"]
    client.upload_part_copy(**place, UploadId=upload, PartNumber=1, CopySource=f"{bucket}/{source}")


LANDED = "landing/civil_affairs/resident/object"
OWN, OTHER = "inbox/civil_affairs/resident/x/file", "inbox/weather/station_hourly/x/file"
_BATCH = {
    "Objects": [{"Key": LANDED}, {"Key": "receipts/civil_affairs/object"}, {"Key": "evidence/release/object"}]
}
_POLICY = json.dumps(
    {
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::citylake/*"}
        ]
    }
)
_PUBLIC = "http://acs.amazonaws.com/groups/global/AllUsers"
ATTACKS: dict[str, Callable[[Any, str], Any]] = {
    "copy from landing": lambda c, b: c.copy_object(Bucket=b, Key=OWN, CopySource=f"{b}/{LANDED}"),
    "copy from silver": lambda c, b: c.copy_object(
        Bucket=b, Key=OWN, CopySource=f"{b}/silver/construction/grid/object"
    ),
    "copy from another inbox": lambda c, b: c.copy_object(
        Bucket=b, Key=OWN, CopySource=f"{b}/inbox/weather/station_hourly/2016-01/object"
    ),
    "copy to another inbox": lambda c, b: c.copy_object(
        Bucket=b, Key=OTHER, CopySource=f"{b}/inbox/civil_affairs/resident/2016-01/object"
    ),
    "copy by parts": lambda c, b: _multipart_copy(c, b, LANDED),
    "parts elsewhere": lambda c, b: c.create_multipart_upload(Bucket=b, Key=OTHER),
    "put beside": lambda c, b: c.put_object(Bucket=b, Key="inbox/civil_affairsx/a", Body=b"x"),
    "put at the root": lambda c, b: c.put_object(Bucket=b, Key="x", Body=b"x"),
    "put another inbox": lambda c, b: c.put_object(Bucket=b, Key=OTHER, Body=b"x"),
    "put a receipt": lambda c, b: c.put_object(Bucket=b, Key="receipts/civil_affairs/object", Body=b"x"),
    "put into landing": lambda c, b: c.put_object(Bucket=b, Key=LANDED, Body=b"x"),
    "put by dots": lambda c, b: c.put_object(Bucket=b, Key="inbox/civil_affairs/../weather/x", Body=b"x"),
    "delete landed": lambda c, b: c.delete_object(Bucket=b, Key=LANDED),
    "delete many": lambda c, b: c.delete_objects(Bucket=b, Delete=_BATCH)["Errors"][2],
    "delete by dots": lambda c, b: c.delete_object(Bucket=b, Key=f"inbox/civil_affairs/../../{LANDED}"),
    "tag landed": lambda c, b: c.put_object_tagging(
        Bucket=b, Key=LANDED, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
    ),
    "untag landed": lambda c, b: c.delete_object_tagging(Bucket=b, Key=LANDED),
    "acl of landed": lambda c, b: c.put_object_acl(Bucket=b, Key=LANDED, ACL="public-read"),
    "acl of the bucket": lambda c, b: c.put_bucket_acl(Bucket=b, ACL="public-read-write"),
    "acl by grant": lambda c, b: c.put_bucket_acl(Bucket=b, GrantRead=f'uri="{_PUBLIC}"'),
    "policy": lambda c, b: c.put_bucket_policy(Bucket=b, Policy=_POLICY),
    "read the policy": lambda c, b: c.get_bucket_policy(Bucket=b),
    "cors": lambda c, b: c.put_bucket_cors(
        Bucket=b, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    ),
    "lifecycle": lambda c, b: c.put_bucket_lifecycle_configuration(
        Bucket=b,
        LifecycleConfiguration={
            "Rules": [{"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
        },
    ),
    "versioning": lambda c, b: c.put_bucket_versioning(
        Bucket=b, VersioningConfiguration={"Status": "Enabled"}
    ),
    "ownership": lambda c, b: c.put_bucket_ownership_controls(
        Bucket=b, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    ),
    "public access block": lambda c, b: c.delete_public_access_block(Bucket=b),
    "make a bucket": lambda c, b: c.create_bucket(Bucket="elsewhere"),
    "drop the bucket": lambda c, b: c.delete_bucket(Bucket=b),
    "uploads of others": lambda c, b: c.list_multipart_uploads(Bucket=b),
    "versions": lambda c, b: c.list_object_versions(Bucket=b, Prefix="landing/"),
}


REFUSED = ("AccessDenied", "403", "404", "400", "InvalidRequest", "MalformedPOSTRequest", "InvalidArgument")


def _answer(request: Callable[[], Any]) -> str:
    """The code of the store's answer; of a list of answers, that of the last."""
    try:
        return str((request() or {}).get("Code", "done"))
    except ClientError as error:
        return error.response["Error"]["Code"]


@pytest.mark.parametrize("role", ["civil", "analyst", "auditor"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_other_verb_reaches_beyond_a_role(settings: Settings, role: str, attack: str) -> None:
    before = _outside(settings)
    assert _answer(lambda: ATTACKS[attack](_client(settings, role), settings.lake)) in REFUSED
    assert _outside(settings) == before
    admin = _client(settings, "admin")
    for key in (k for k in _keys(admin, settings.lake) if k.startswith("inbox/civil_affairs/resident/x/")):
        assert CANARY not in admin.get_object(Bucket=settings.lake, Key=key)["Body"].read()
    assert _raw(settings, None, "GET", f"/{settings.lake}/{LANDED}")[0] == 403


def test_an_object_made_public_by_its_sender_is_not(settings: Settings) -> None:
    sender = _client(settings, "civil")
    _done(lambda: sender.put_object(Bucket=settings.lake, Key=OWN, Body=CANARY, ACL="public-read"))
    for role in (None, "weather", "analyst"):
        status, body = _raw(settings, role, "GET", f"/{settings.lake}/{OWN}")
        assert status == 403
        assert CANARY not in body


def test_a_form_is_no_way_around_a_role(settings: Settings) -> None:
    posted = _client(settings, "civil").generate_presigned_post(settings.lake, OTHER)
    parts = [*posted["fields"].items(), ("file", "x")]
    body = "".join(f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in parts)
    before = _outside(settings)
    connection = http.client.HTTPConnection("127.0.0.1", settings.port_s3, timeout=20)
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    connection.request("POST", f"/{settings.lake}", body=f"{body}--b--\r\n".encode(), headers=kind)
    assert connection.getresponse().status >= 300
    assert _outside(settings) == before


def test_a_signed_address_of_a_role_opens_no_more_than_the_role(settings: Settings) -> None:
    for role, opened in (("analyst", False), ("civil", False), ("auditor", True)):
        url = _client(settings, role).generate_presigned_url(
            "get_object", Params={"Bucket": settings.lake, "Key": LANDED}
        )
        connection = http.client.HTTPConnection("127.0.0.1", settings.port_s3, timeout=20)
        connection.request("GET", url.removeprefix(settings.endpoint))
        assert (CANARY in connection.getresponse().read()) is opened


def test_a_department_delivers_large_files_with_its_own_keys(settings: Settings) -> None:
    """Put in parts, seen, read and taken back, all below its own inbox."""
    sender, place = _client(settings, "civil"), "inbox/civil_affairs/resident/2016-02/居民_201602.csv"
    body = b"x" * (9 << 20)
    upload = sender.create_multipart_upload(Bucket=settings.lake, Key=place)["UploadId"]
    told = {"Bucket": settings.lake, "Key": place, "UploadId": upload}
    part = sender.upload_part(**told, PartNumber=1, Body=body)
    sender.complete_multipart_upload(
        **told, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    assert sender.get_object(Bucket=settings.lake, Key=place)["Body"].read() == body
    listed = sender.list_objects_v2(Bucket=settings.lake, Prefix="inbox/civil_affairs/resident/")["Contents"]
    assert place in [item["Key"] for item in listed]
    sender.delete_object(Bucket=settings.lake, Key=place)
    assert place not in _keys(_client(settings, "admin"), settings.lake)


def test_roles_that_changed_hold_after_the_next_up(settings: Settings, root: Any) -> None:
    """A store that runs with other roles is started anew; one with the same goes on."""
    access = settings.state / "s3.json"
    whole = access.read_text("utf-8")
    up(settings)
    assert access.read_text("utf-8") == whole
    pid = (settings.state / "run" / "s3.pid").read_text()
    access.write_text("{}", "utf-8")
    up(settings)
    assert access.read_text("utf-8") == whole
    assert (settings.state / "run" / "s3.pid").read_text() != pid
    access_key, secret = role_keys(settings, "analyst")
    analyst = settings.model_copy(update={"s3_access_key": access_key, "s3_secret_key": secret})
    assert open_store(analyst, make=False).get("releases/object") == CANARY


def test_the_printed_policies_are_those_that_the_store_enforces(settings: Settings, root: Any) -> None:
    from citylake.cli.app import app

    held = json.loads((settings.state / "s3.json").read_text("utf-8"))
    printed = json.loads(CliRunner().invoke(app, ["policies", "--format", "s3"]).stdout)
    assert printed == {p["name"]: json.loads(p["content"]) for p in held["policies"]}
    form = json.loads(CliRunner().invoke(app, ["policies", "--format", "seaweed"]).stdout)
    secrets = [i.pop("credentials") for i in held["identities"]]
    assert form == held
    assert len({s[0]["secretKey"] for s in secrets}) == len(secrets)
    table = CliRunner().invoke(app, ["policies"]).stdout
    assert not any(s[0]["secretKey"] in table for s in secrets)
