"""A logistic regression over binned features, and how well a score foretells: AUC, Brier score, calibration.

Plain Python: binned rows repeat, so thousands of them collapse into some dozens of patterns.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp

# A little shrinkage towards zero keeps weights of rare bins finite and makes the solution unique.
RIDGE = 1.0
ROUNDS = 50
SETTLED = 1e-10

# For each feature the number of its bin.
Pattern = tuple[int, ...]


@dataclass(frozen=True)
class Fit:
    """The base of the score, and for each feature the weights of its bins, with mean zero over the fitted rows."""

    bias: float
    weights: tuple[tuple[float, ...], ...]

    def probability(self, pattern: Pattern) -> float:
        return sigmoid(self.bias + sum(self.weights[n][number] for n, number in enumerate(pattern)))


@dataclass(frozen=True)
class Decile:
    """A tenth of the rows by score: how many, what the score foretold on average, and what came."""

    rows: int
    foretold: float
    happened: float


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def fit(rows: Iterable[tuple[Pattern, bool]], sizes: Sequence[int]) -> Fit:
    """Maximum likelihood with a ridge, by Newton's method (Hastie et al., Elements of Statistical Learning, 4.4.1).

    ``sizes`` says how many bins each feature has. The same rows give the same weights, in whatever order they come.
    """
    counts = Counter(rows)
    starts = [1 + sum(sizes[:n]) for n in range(len(sizes))]
    width = 1 + sum(sizes)
    patterns = [
        ([0, *(start + number for start, number in zip(starts, pattern, strict=True))], float(left), counted)
        for (pattern, left), counted in sorted(counts.items())
    ]
    beta = [0.0] * width
    for _ in range(ROUNDS):
        gradient = [-RIDGE * value if n else 0.0 for n, value in enumerate(beta)]
        hessian = [[RIDGE if i == j and i else 0.0 for j in range(width)] for i in range(width)]
        for columns, left, counted in patterns:
            p = sigmoid(sum(beta[column] for column in columns))
            for i in columns:
                gradient[i] += counted * (left - p)
                for j in columns:
                    hessian[i][j] += counted * p * (1 - p)
        step = _solve(hessian, gradient)
        beta = [value + moved for value, moved in zip(beta, step, strict=True)]
        if max(abs(moved) for moved in step) < SETTLED:
            break
    return _centred(beta, starts, sizes, counts)


def auc(scored: Iterable[tuple[float, bool]]) -> float:
    """The chance that one who left scored above one who stayed; ties count half (Mann-Whitney U)."""
    by_score: dict[float, list[int]] = {}
    for score, left in scored:
        by_score.setdefault(score, [0, 0])[int(left)] += 1
    stayed_below = pairs = 0.0
    for _score, (stayed, gone) in sorted(by_score.items()):
        pairs += gone * (stayed_below + stayed / 2)
        stayed_below += stayed
    return pairs / (stayed_below * sum(gone for _, gone in by_score.values()))


def brier(scored: Sequence[tuple[float, bool]]) -> float:
    """The mean squared distance of the foretold chance from what came (Brier 1950)."""
    return sum((score - left) ** 2 for score, left in scored) / len(scored)


def calibration(scored: Sequence[tuple[float, bool]]) -> list[Decile]:
    """Tenths by score, the lowest first."""
    ordered = sorted(scored)
    tenths = [ordered[len(ordered) * n // 10 : len(ordered) * (n + 1) // 10] for n in range(10)]
    return [
        Decile(len(rows), sum(s for s, _ in rows) / len(rows), sum(left for _, left in rows) / len(rows))
        for rows in tenths
        if rows
    ]


def _centred(beta: list[float], starts: list[int], sizes: Sequence[int], counts: Counter[tuple[Pattern, bool]]) -> Fit:
    """Moves each feature's mean over the rows into the bias: a weight then says how far a bin lies from the average."""
    total = counts.total()
    bias, weights = beta[0], []
    for n, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        own = beta[start : start + size]
        mean = sum(own[pattern[n]] * counted for (pattern, _), counted in counts.items()) / total
        bias += mean
        weights.append(tuple(value - mean for value in own))
    return Fit(bias, tuple(weights))


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gaussian elimination with pivots; the matrix is positive definite."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for n in range(size):
        pivot = max(range(n, size), key=lambda i: abs(rows[i][n]))
        rows[n], rows[pivot] = rows[pivot], rows[n]
        for i in range(n + 1, size):
            factor = rows[i][n] / rows[n][n]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[n], strict=True)]
    found = [0.0] * size
    for n in reversed(range(size)):
        known = sum(rows[n][j] * found[j] for j in range(n + 1, size))
        found[n] = (rows[n][size] - known) / rows[n][n]
    return found
