"""Django's loader: the models of every room. Each is imported from its room."""

from members.counters import models as counters  # noqa: F401
from members.events import models as events  # noqa: F401
from members.exports import models as exports  # noqa: F401
from members.foreseen import models as foreseen  # noqa: F401
from members.imports import models as imports  # noqa: F401
from members.lifecycle import models as lifecycle  # noqa: F401
from members.merging import models as merging  # noqa: F401
from members.people import models as people  # noqa: F401
from members.plans import models as plans  # noqa: F401
from members.segments import models as segments  # noqa: F401
from members.tags import models as tags  # noqa: F401
from members.terms import models as terms  # noqa: F401
from members.value import models as value  # noqa: F401
