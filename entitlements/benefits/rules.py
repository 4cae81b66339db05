"""Which pack suits somebody: the cheapest that holds what she uses most."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Offered:
    """A pack on sale: its number, its price in cents and the benefits in it."""

    pk: int
    price_cents: int
    benefits: Collection[int]


def best_pack(packs: Sequence[Offered], uses: Mapping[int, int]) -> Offered | None:
    """The pack that holds most of the ``uses`` (benefit: how often), of equal ones the cheapest; None if none does."""
    fitting = [pack for pack in packs if uses.keys() & set(pack.benefits)]
    return min(
        fitting, key=lambda p: (-sum(n for benefit, n in uses.items() if benefit in p.benefits), p.price_cents, p.pk),
        default=None,
    )  # fmt: skip
