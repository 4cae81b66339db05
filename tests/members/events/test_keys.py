from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from config.audit.models import AuditEntry
from members.events.models import Event, WriteKey
from members.events.operations.keys import ROTATION_HOURS, revoke_key, rotate_key
from tests.members.events.conftest import AT, track

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


@pytest.mark.django_db(transaction=True)
def test_a_connection_lost_between_requests_costs_none_of_them(send):
    """As after a restart of PostgreSQL: the first statement of the next request finds nobody at the other end."""
    assert send([track(1)]).status_code == 200
    connection.health_check_done = False
    with connection.connection.cursor() as cursor:
        lost = cursor.execute("SELECT pg_backend_pid()").fetchone()[0]
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [lost])
    assert send([track(2)]).status_code == 200
    assert Event.objects.count() == 2
