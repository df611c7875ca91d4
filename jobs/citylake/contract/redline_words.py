"""Words by which a column says what it speaks of, in English, pinyin and Chinese.

An English or pinyin pattern meets whole words of a name or label (`face_vector`, never `surface`).
What a text says is not there (不含车牌, "no plates") is cut out first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_NEGATED = re.compile(
    r"(不含|不包括|不包含|不收|不记|不存|没有|无)[^,;.。，；、()（）]*|\b(no|not|without|never|except|excluding)\b[^,;.()]*"
)
_BETWEEN = re.compile(r"[\W_]+")  # blanks, points, invisible marks
_SIMPLE = str.maketrans(
    "車臉紋證號軌跡機戶員個評譽險駕駛護電話聲態設備學職診斷積誠記錄單稱標關畫級訴報舉訪婚齡數",
    "车脸纹证号轨迹机户员个评誉险驾驶护电话声态设备学职诊断积诚记录单称标关画级诉报举访婚龄数",
)
"""Traditional characters of the words below."""


@dataclass(frozen=True)
class Words:
    """A meaning: patterns over words joined by `_`, and a pattern over Chinese text."""

    latin: str
    chinese: str

    def met(self, texts: Iterable[str]) -> bool:
        """Whether any of the texts speaks of it."""
        latin = re.compile(rf"(?:^|_)(?:{self.latin})s?(?=_|$)")
        chinese = re.compile(self.chinese)
        return any(latin.search(words(t)) or chinese.search(plain(t)) for t in texts)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Lower case without compatibility forms, invisible marks, blanks, or what it says is not there."""
    folded = unicodedata.normalize("NFKC", text).translate(_SIMPLE)
    return _BETWEEN.sub("", _NEGATED.sub("", folded.lower()))


@lru_cache(maxsize=4096)
def words(text: str) -> str:
    """The Latin words of a text joined by `_`; a capital inside a word begins another."""
    folded = unicodedata.normalize("NFKC", text)
    folded = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", folded)
    return re.sub(r"[^a-z0-9]+", "_", _NEGATED.sub("", split.lower())).strip("_")


_BODY = (
    "vector|feature|image|img|id|photo|picture|template|embedding|recognition|match|code|print|hash|scan|data"
    "|capture"
)
BIOMETRIC = Words(
    rf"(?:face|facial|iris|retina|palm|finger|voice|gait|vein|ear)_?\d*_?(?:{_BODY})|(?:face|iris|gait|retina)$|biometrics?|thumb_?prints?"
    r"|finger_?prints?|palm_?print|voice_?print|dna|genome|mug_?shot"
    r"|ren_?lian(?:_\w+)?|zhi_?wen_(?:tezheng|mo?ban|tu\w*|id|ma)|hong_?mo(?:_\w+)?|sheng_?wen_(?:tezheng|id|ku|ma)",
    r"人脸|人像|面部|面容|脸部|指纹|掌纹|指静脉|虹膜|视网膜|声纹|步态|生物特征|生物识别|脱氧核糖|基因(?!工程)|dna",
)
NOT_BIOMETRIC = Words(
    r"(?:rock|road|cliff|wall|slope|street|shop|east|west|north|south|front|rear|upper|lower|up_?stream|down_?stream|work(?:ing)?|coal|tunnel|clock|building|type|dam|water|fracture)_face(?:_\w+)?"
    r"|face_(?:value|area|amount|width|height|length|material|plate|brick)|iris_(?:bed|garden|flower|plant|area|count)",
    r"鸢尾|面值|工作面|掌子面|坡面|墙面|路面|坝面|立面|票面|断面",
)
PLATE = Words(
    r"(?:licen[cs]e|number|car|vehicle|auto|truck|taxi|registration|lorry|bus)_?(?:plate|tag)(?:_\w+)?"
    r"|plate_?(?:no|num|number|text|id|code|ocr)|(?:car|vehicle|auto|taxi|cab)_?(?:no|num|number|reg|registration|vin)|vin(?:_\w+)?"
    r"|cphm?|hphm|che_?pai(?:_?\w+)?|hao_?pai(?:_?\w+)?|che_?liang_?hao(?:_?\w+)?|che_hao",
    r"车牌|号牌|车号|车辆识别|车架号|机动车牌|车辆号|车辆牌照|行驶证",
)
NOT_PLATE = Words(
    r"(?:door|house|building|name|street|steel|base|road_sign|memorial)_?plate(?:_\w+)?"
    r"|(?:wagon|tram|metro|subway)_(?:car|train)_(?:no|number)",
    r"门牌|楼牌|路牌|铭牌|标牌|站牌|井盖",
)
DEVICE = Words(
    r"imei|imsi|meid|iccid|idfa|oaid|android_?id|mac|mac_?(?:addr|address|id|hash)|bluetooth_?(?:id|addr\w*)|wifi_?mac|ssid_probe"
    r"|(?:phone|mobile|handset|cell|sim)_?(?:id|serial|trace|signal|imei)|device_?(?:trace|fingerprint)"
    r"|(?:she_?bei_?zhi_?wen|shou_?ji_?chuan_?hao)",
    r"imei|imsi|mac地址|手机串号|串号|设备指纹|设备轨迹|手机信令|信令数据|蓝牙地址|探针",
)
TRIP = Words(
    r"(?:trip|travel|journey|ride|movement|location|gps|person|device|user|passenger|vehicle|car)_?(?:trace|track|trajectory|trail|log)"
    r"|(?:transit|bus|metro|subway|travel|citizen|ic)_?card(?:_\w+)?|card_?(?:swipe|tap)(?:_\w+)?|tap_(?:in|out)(?:_\w+)?"
    r"|(?:boarding|alighting)_(?:time|stop|station)|whereabouts|check_?in_(?:time|place)|hotel_(?:stay|guest)(?:_\w+)?|geo_?location"
    r"|(?:xing_?che|chu_?xing|xing_?zong|xing_?dong|che_?liang|ge_?ren|ren_?yuan)_?gui_?ji|gui_?ji|xing_?cheng(?:_\w+)?|shua_?ka(?:_\w+)?",
    r"轨迹|行程(?!序)|行踪|出行记录|刷卡|乘车记录|过车记录|卡口|一卡通|公交卡|地铁卡|乘车码|住宿记录|旅馆住宿|停车记录|定位记录|上车时间|下车时间",
)
NOT_TRIP = Words(
    r"trip_trace_km|(?:storm|typhoon|cyclone)_(?:track|trajectory)|(?:patrol|inspection|sweeping|plough)_\w+_(?:km|m)",
    r"台风|热带气旋|风暴|里程|公里",
)
IDENTIFIER = Words(
    r"id_?card(?:_?(?:no|num|number))?|identity_?(?:no|num|number|card)(?:_\w+)?|national_?id|citizen_?id|resident_?(?:id|no|number)"
    r"|person_?(?:id|no|number|code)|passport(?:_?(?:no|number))?|social_?security_?(?:no|number)|ssn|driver_?licen[cs]e(?:_?(?:no|number))?"
    r"|(?:student|pupil|patient|employee|staff|worker|passenger|member|voter|household|applicant)_?(?:id|no|num|number|code)"
    r"|medical_?(?:record|card)_?(?:id|no|number)|sfz(?:h|hm|mhm|id)?|shen_?fen_?zheng(?:_?\w+)?|zheng_?jian_?hao(?:_?ma)?|ge_?ren_?bian_?hao|hu_?zhao(?:_\w+)?",
    r"身份证|身份号码|证件号码|证件号|护照|社保号|社会保障号|社保卡|医保卡|病历号|学籍号|学号|军官证|驾驶证号|个人编号|人员编号|职工编号|员工编号|户号(?!牌)",
)
NAME = Words(
    r"(?:full|given|first|last|family|sur|person|resident|citizen|patient|applicant|representative|driver|student|staff|inspector)_?name"
    r"|surname|xing_?ming(?:_\w+)?|fa_?ren_?xing_?ming|fa_?ding_?dai_?biao_?ren",
    r"姓名|人名(?!称)|名字(?!空间)|曾用姓",
)
OF_ORGANISATION = Words(
    r"organi[sz]ation|company|firm|enterprise|institution|unit|body|department|authority|society",
    r"名称|单位|机构|企业|组织|部门|公司",
)
CONTACT = Words(
    r"mobiles?(?:_?(?:phone|no|num|number))?|cell_?(?:phone|no|number)|personal_(?:phone|email|mail)|we_?chat(?:_\w+)?|qq(?:_?(?:no|number))?"
    r"|home_(?:phone|address|addr)|sjhm?|shou_?ji(?:_?hao(?:_?ma)?)?|dian_?hua(?:_\w+)?|wei_?xin(?:_\w+)?|jia_?ting_?zhu_?zhi",
    r"手机号|手机号码|移动电话|个人电话|家庭电话|微信号|qq号|个人邮箱|家庭住址|家庭地址|现住址|户籍地址|居住地址",
)
PHONE = Words(r"(?:tele)?phone(?:_?(?:no|num|number))?|tel|lxdh", r"电话|手机|联系方式")
PERSON = Words(
    r"persons?|people|residents?|citizens?|individuals|inhabitants?|passengers?|riders?|drivers?|pupils?|students?|patients?|petitioners?"
    r"|complainants?|applicants?|informants?|whistle_?blowers?|callers?|tenants?|occupants?|guests?|tourists?|employees?|workers?|staffs?"
    r"|teachers?|child|children|elders?|voters?|suspects?|offenders?|representatives?|directors?|shareholders?|believers?|officials?"
    r"|ju_?min|shi_?min|ge_?ren|ren_?yuan|zhi_?gong|huan_?zhe|xue_?sheng|cheng_?ke|zi_?ran_?ren|fa_?ding_?dai_?biao_?ren|fu_?ze_?ren",
    r"居民|市民|公民|个人|人员|自然人|患者|病人|学生|教师|乘客|旅客|司机|驾驶员|信访人|上访|投诉人|举报人|来电人|申请人|当事人|户主|租客|租户"
    r"|住客|职工|员工|老人|老年人|儿童|未成年人|嫌疑人|罪犯|法定代表人|负责人|经办人|本人|股东|信徒|党员",
)
JUDGED = Words(
    r"(?:credit|trust|risk|social|honesty|integrity|behaviou?r|loyalty|reputation|watch|threat|danger|stability)"
    r"_?(?:score|point|level|rating|grade|rank|index|class|list|value|tier|label|tag|profile)?"
    r"|scor(?:e|ing)|rank(?:ing|ed)?|points?_(?:score|total)|black_?list(?:ed)?|xin_?yong(?:_?fen)?|cheng_?xin(?:_?\w+)?|ji_?fen"
    r"|ping_?fen|pai_?ming|feng_?xian(?:_?\w+)?",
    r"信用|诚信|失信|信誉|风险|积分|评分|得分|打分|排名|排行|名次|黑名单|重点关注|关注等级|维稳|管控|成绩|绩效|考核|画像|标签|危险等级",
)
SCORED = Words(
    r"\w*scor(?:e|ing)|\w*rank(?:ing|ed)?|ji_?fen|ping_?fen|pai_?ming|xin_?yong_?fen",
    r"积分|评分|得分|打分|排名|排行|名次|信用分",
)
GRADED = Words(
    r"grad(?:e|ed|ing)|rat(?:ing|ed)|levels?|tier|order_no|quality_index", r"等级|评级|级别|星级|分级"
)
PER_PERSON = Words(
    r"(?:per|each|every|one)_(?:\w+_){0,2}?(?:person|resident|citizen|individual|inhabitant|passenger|rider|driver|pupil|student|patient"
    r"|petitioner|complainant|applicant|tenant|guest|tourist|employee|worker|teacher|child|elder|voter|suspect|representative|director"
    r"|shareholder|household|family|traveller|member|believer)",
    r"每一?(?:名|位|个|户|人|户籍|登记|户籍|在册)*(?:居民|市民|公民|个人|人员|自然人|患者|病人|学生|教师|乘客|旅客|司机|驾驶员|信访人|投诉人"
    r"|举报人|申请人|户主|租客|职工|员工|老人|老年人|儿童|嫌疑人|法定代表人|负责人|股东|户籍人口|人口|家庭|党员|信徒|人(?=一行|一条|每|、|和|各))|每一?[名位](?!次|置|称)|逐人|一人一[行条档]|一户一[行条档]",
)
KIND_OF = Words(r"\w*(?:kind|type|class|category)", r"类型|类别|种类")
APART = Words(
    r"sex|gender|age|age_?(?:group|band|from|to)|birth(?:_\w+)?|ethnicity|ethnic_\w+|marital(?:_\w+)?|diagnosis|diseases?|faith|religion"
    r"|crime|offence|disability|xing_?bie|nian_?ling|min_?zu",
    r"性别|年龄|出生|民族(?!乡|镇)|婚姻|诊断|疾病|病种|信仰|宗教(?!活动场所)|罪名|残疾|贫困|低保|政治面貌",
)
PERSONS_SCORED = Words(
    r"(?:person|people|resident|citizen|individual|petitioner|worker|student|teacher|representative)s?_(?:\w+_){0,2}?"
    r"(?:scor(?:e|ing)|rank(?:ing)?|profil(?:e|ing))|(?:scor(?:e|ing)|rank(?:ing|ed)?)s?_(?:of|for)_(?:\w+_){0,2}?"
    r"(?:person|people|resident|citizen|individual|petitioner|worker|student|teacher|representative)",
    r"(?:居民|个人|市民|公民|人员|自然人|职工|学生|信访人|老人|法定代表人)[^对企]{0,3}(?:信用|诚信|风险|积分|评分|得分|打分|排名|画像|评级)",
)
ROLE = Words(
    r"(?:legal_)?representatives?|counterparts?|responsible|manager|agent|handler|fa_?ding_?dai_?biao_?ren|fu_?ze_?ren",
    r"法定代表人|法人代表|负责人|相对人|经营者|投资人|经办人",
)
