"""An unmodified OpenFeature SDK with its own OFREP provider talks to this host."""

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode

from entitlements.usage.operations.consuming import consume
from members.events.operations.keys import make_key
from tests import factories
from tests.entitlements.usage.conftest import Ladder, id_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("any_date")]


def client_of(url: str, headers: dict[str, str]) -> OpenFeatureClient:
    api.set_provider(OFREPProvider(url, headers_factory=lambda: headers), "benefits")
    return api.get_client("benefits")


@pytest.fixture
def house(live_server, now):
    """The ladder, a key, and a silver member who used 58 of her credits."""
    ladder = Ladder()
    admin = factories.UserFactory(role="admin")
    _, secret = make_key(source_id=factories.SourceFactory().pk, label="Shop", scopes=["benefits"], actor=admin, at=now)
    member = ladder.member(ladder.plan, at=now)
    consume(member_id=member.pk, benefit=ladder.credit, amount=58, at=now, origin="api")
    yield live_server.url, secret, ladder, member
    api.clear_providers()


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_the_python_client_hears_the_verdict(house, header, now):
    url, secret, ladder, member = house
    client = client_of(url, {header: f"Bearer {secret}" if header == "Authorization" else secret})
    context = EvaluationContext(id_of(member), {"plan": "any"})
    access = client.get_boolean_details("credit", False, context)
    assert (access.value, access.reason, access.variant) == (True, "TARGETING_MATCH", "open")
    assert access.flag_metadata["remaining"] == 42
    assert client.get_integer_value("credit.remaining", -1, context) == 42
    locked = client.get_boolean_details("ai-export", True, context)
    assert (locked.value, locked.variant, locked.error_code) == (False, "locked", None)
    assert locked.flag_metadata["hint"] == "使用 AI 导出需升级至高级会员"
    assert (locked.flag_metadata["upgradeTarget"], locked.flag_metadata["reason"]) == ("gold", "not_granted")
    gold = EvaluationContext(id_of(ladder.member(ladder.gold_plan, at=now)))
    assert client.get_string_value("ai-export.level", "?", gold) == "4K"
    assert client.get_boolean_details("ai-export", False, gold).flag_metadata["hint"] == "本功能为会员专享,已为你激活"
    assert client.get_integer_value("ai-export.remaining", -1, gold) == -1


def test_the_python_client_hears_what_is_wrong(house):
    url, secret, _, member = house
    client = client_of(url, {"Authorization": f"Bearer {secret}"})
    context = EvaluationContext(id_of(member))
    assert client.get_boolean_details("nothing", True, context).error_code == ErrorCode.FLAG_NOT_FOUND
    assert client.get_boolean_details("credit", True).error_code == ErrorCode.TARGETING_KEY_MISSING
    wrong = client_of(url, {"Authorization": "Bearer wk_wrong"}).get_boolean_details("credit", True, context)
    assert (wrong.value, wrong.error_code, wrong.error_message) == (True, ErrorCode.GENERAL, "unauthorized")
