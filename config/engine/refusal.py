"""Why something is not done. The rooms' ``words.py`` have the sentences for people, as ``REFUSALS``."""

from collections.abc import Mapping
from typing import Any

from django.template.defaultfilters import filesizeformat


class Refused(Exception):
    """The act does not apply to the thing as it is now; ``code`` says why, ``detail`` with what, without personal data.

    Nothing was written: operations raise it inside their transaction. A code is unique within its room; where pages
    of one room show refusals of another, ``refusal_text`` is given the words of both.
    """

    def __init__(self, code: str, **detail: Any) -> None:
        self.code = code
        self.detail = detail
        super().__init__(code)


def refusal_text(refused: Refused, *words: Mapping[str, object]) -> str:
    """The sentence for a refusal, of the first of ``words`` that knows its code, with its details filled in.

    A detail ``…_bytes`` is shown as a size, under its name without the unit. Raises KeyError for a code without words.
    """
    known = next((texts for texts in words if refused.code in texts), {})
    sentence = str(known[refused.code])
    if not refused.detail:
        return sentence
    sizes = {name: filesizeformat(value) for name, value in refused.detail.items() if name.endswith("_bytes")}
    return sentence % (refused.detail | {name.removesuffix("_bytes"): size for name, size in sizes.items()})
