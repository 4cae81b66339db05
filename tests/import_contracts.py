"""Import contracts of the house that import-linter does not bring along: layers recognised by their file names.

A new app, package or module falls under them by its name alone; there is no list to forget it in.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


@dataclass(frozen=True)
class Breach:
    """One forbidden import and the sentence that says why."""

    importer: str
    imported: str
    line: int | None
    why: str

    def __str__(self) -> str:
        place = self.importer if self.line is None else f"{self.importer}:{self.line}"
        return f"{place} -> {self.imported}: {self.why}"


class _ListingContract(Contract):
    def breaches(self, graph: ImportGraph) -> Iterator[Breach]:
        raise NotImplementedError

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        found = sorted(set(self.breaches(graph)), key=str)
        return ContractCheck(kept=not found, metadata={"breaches": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for breach in check.metadata["breaches"]:
            output.print_error(f"- {breach}", bold=False)
        output.new_line()


def _line(graph: ImportGraph, importer: str, imported: str) -> int | None:
    details = graph.get_import_details(importer=importer, imported=imported)
    return details[0]["line_number"] if details else None


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


class TopFloor(_ListingContract):
    """Modules of ``top`` outside ``ground`` compose everything, so nobody else, ``ground`` included, imports them."""

    top = fields.StringField()
    ground = fields.StringField()

    def breaches(self, graph: ImportGraph) -> Iterator[Breach]:
        upstairs = {m for m in graph.modules if _inside(m, self.top) and not _inside(m, self.ground)} - {self.top}
        for imported in upstairs:
            for importer in graph.find_modules_that_directly_import(imported) - upstairs - {self.top}:
                yield Breach(
                    importer, imported, _line(graph, importer, imported), f"only {self.ground} is for everybody"
                )


class HouseLayers(_ListingContract):
    """Inside an app a module imports from its own layer or a lower one, seen through modules that name no layer.

    ``layers`` runs from high to low, one line each, ``|`` between layers that must not know each other. A module's
    layer is the first part of its path that names one: ``members.models.terms`` is models, ``members.imports.views``
    is views. ``private`` layers are never imported from another app, ``pure`` ones import nothing of ``impure``.
    """

    layers = fields.ListField(subfield=fields.StringField())
    private = fields.SetField(subfield=fields.StringField())
    pure = fields.SetField(subfield=fields.StringField())
    impure = fields.SetField(subfield=fields.StringField())

    def breaches(self, graph: ImportGraph) -> Iterator[Breach]:
        heights = {name.strip(): len(self.layers) - n for n, line in enumerate(self.layers) for name in line.split("|")}
        own = [m for m in graph.modules if not graph.is_module_squashed(m)]
        layer_of = {module: next((part for part in module.split(".")[1:] if part in heights), None) for module in own}
        yield from self._upward(graph, layer_of, heights)
        yield from self._across(graph, layer_of)
        yield from self._impure(graph, layer_of)

    def _upward(self, graph: ImportGraph, layer_of: dict[str, str | None], heights: dict[str, int]) -> Iterator[Breach]:
        for importer, layer in layer_of.items():
            if layer is None:
                continue
            for imported, via in self._reached(graph, importer, layer_of):
                other = layer_of[imported]
                if other == layer or heights[other] < heights[layer]:
                    continue
                path = f", through {via}" if via != imported else ""
                why = f"{layer} may not know {other}{path}"
                yield Breach(importer, imported, _line(graph, importer, via), why)

    def _reached(self, graph: ImportGraph, importer: str, layer_of: dict[str, str | None]) -> Iterable[tuple[str, str]]:
        """The layered modules of the same app that ``importer`` gets at, each with the import that leads there."""
        seen: set[str] = set()
        queue = [(module, module) for module in graph.find_modules_directly_imported_by(importer)]
        while queue:
            module, via = queue.pop()
            if module in seen or module not in layer_of or _app(module) != _app(importer):
                continue
            seen.add(module)
            if layer_of[module] is None:
                queue += [(further, via) for further in graph.find_modules_directly_imported_by(module)]
            else:
                yield module, via

    def _across(self, graph: ImportGraph, layer_of: dict[str, str | None]) -> Iterator[Breach]:
        for imported, layer in layer_of.items():
            if layer not in self.private:
                continue
            for importer in graph.find_modules_that_directly_import(imported):
                if _app(importer) != _app(imported):
                    yield Breach(
                        importer, imported, _line(graph, importer, imported), f"another app's {layer} are its own"
                    )

    def _impure(self, graph: ImportGraph, layer_of: dict[str, str | None]) -> Iterator[Breach]:
        for module, layer in layer_of.items():
            if layer not in self.pure:
                continue
            for imported in graph.find_modules_directly_imported_by(module):
                if imported.split(".")[0] in self.impure:
                    yield Breach(module, imported, _line(graph, module, imported), f"{layer} are pure")


def _app(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[:2] == ["config", "staff"] else parts[0]
