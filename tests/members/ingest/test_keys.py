from datetime import timedelta

import pytest

from config.staff.models import AuditEntry
from members.ingest.operations.keys import ROTATION_HOURS, revoke_key, rotate_key
from members.models import WriteKey
from tests.members.ingest.conftest import AT, track

pytestmark = pytest.mark.django_db


def test_a_key_is_kept_only_as_a_hash(secret):
    key = WriteKey.objects.get()
    assert secret.startswith(key.prefix)
    row = WriteKey.objects.values().get()
    assert secret not in str(row)
    assert secret not in str(list(AuditEntry.objects.values()))


def test_an_exchanged_key_works_on_for_a_day(send, secret, admin):
    old = WriteKey.objects.get()
    new, new_secret = rotate_key(key_id=old.pk, actor=admin, at=AT)
    assert (new.source_id, new.label, new.scopes) == (old.source_id, old.label, old.scopes)
    assert send([track(1)], key=new_secret).status_code == 200
    just_before, then = (AT + timedelta(hours=ROTATION_HOURS, seconds=s) for s in (-1, 0))
    assert send([track(2)], key=secret, at=just_before).status_code == 200
    assert send([track(3)], key=secret, at=then).status_code == 401
    with pytest.raises(WriteKey.DoesNotExist):
        rotate_key(key_id=old.pk, actor=admin, at=AT)


def test_a_revoked_key_ends_at_once(send, admin):
    key = WriteKey.objects.get()
    revoke_key(key_id=key.pk, actor=admin, at=AT)
    assert send([track(1)]).status_code == 401
    with pytest.raises(WriteKey.DoesNotExist):
        revoke_key(key_id=key.pk, actor=admin, at=AT)
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"write_key.made", "write_key.revoked"}
