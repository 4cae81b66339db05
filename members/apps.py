from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = _("Members")

    def ready(self) -> None:
        from config.audit.labels import register_actions
        from members.audit_labels import LABELS
        from members.events.feeds import read_feed
        from members.events.operations.following import EventsFollower
        from members.lifecycle.feeds import FEEDS
        from members.lifecycle.operations.following import LifecycleFollower
        from members.merging import registration
        from members.people.followers import FOLLOWERS
        from members.plans.grace import LISTENERS as GRACE_LISTENERS
        from members.segments import conditions, counted, dimensions, holders, reach, references
        from members.tags import conditions as tag_conditions
        from members.tags import usage as tag_usage
        from members.terms.operations.grace import look_again_at_grace
        from members.timeline_sources import register_all
        from members.value import conditions as value

        FOLLOWERS.register(LifecycleFollower(), code="lifecycle")
        FOLLOWERS.register(EventsFollower(), code="events")
        GRACE_LISTENERS.register(look_again_at_grace, code="terms")
        FEEDS.register(read_feed, code="events")
        register_actions(LABELS)
        register_all()
        holders.register_all()
        conditions.register_all()
        dimensions.register_all()
        tag_conditions.register_all()
        conditions.register_belonging()
        value.register_all()
        reach.register_all()
        references.register_all()
        tag_usage.register_all()
        counted.register_all()
        registration.register_all()
