"""What the pages of imports make of nonsense in their addresses."""

import pytest
from django.urls import reverse

from tests.members.imports.files import checked

pytestmark = pytest.mark.django_db
NONSENSE = ["²", "٣", "-1", "0", "9" * 5000, str(2**63), "\0"]


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_begins_at_the_top(text, operator_client, operator, at):
    run = checked("external_id\nA-1\n", actor=operator, at=at)
    page = operator_client.get(reverse("imports:index"), {"before": text})
    assert page.status_code == 200
    assert [row["run"] for row in page.context["rows"]] == [run]
    assert operator_client.get(reverse("imports:members", args=[run.pk]), {"after": text}).status_code == 200
