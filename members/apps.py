from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = _("Members")

    def ready(self) -> None:
        from config.engine.actions import register_actions
        from members.audit_labels import LABELS
        from members.counters import hooks as counters
        from members.events import hooks as events
        from members.exports import hooks as exports
        from members.foreseen import hooks as foreseen
        from members.imports import hooks as imports
        from members.lifecycle import hooks as lifecycle
        from members.merging import hooks as merging
        from members.people import hooks as people
        from members.plans import hooks as plans
        from members.segments import conditions, counted, dimensions, holders, references
        from members.segments import hooks as segments
        from members.tags import conditions as tag_conditions
        from members.tags import hooks as tags
        from members.tags import usage as tag_usage
        from members.terms import hooks as terms
        from members.timeline_sources import register_all
        from members.value import hooks as value

        register_actions(LABELS)
        register_all()
        holders.register_all()
        conditions.register_all()
        dimensions.register_all()
        tag_conditions.register_all()
        conditions.register_belonging()
        value.register()
        references.register_all()
        tag_usage.register_all()
        counted.register_all()
        for room in (
            people,
            plans,
            foreseen,
            lifecycle,
            terms,
            events,
            segments,
            tags,
            counters,
            merging,
            imports,
            exports,
        ):
            room.register()
