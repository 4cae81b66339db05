"""Import contracts of the house that import-linter does not bring along: layers recognised by their file names.

A new app, package or module falls under them by its name alone; there is no list to forget it in.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

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


class Roof(_ListingContract):
    """Modules of ``top`` outside ``ground`` compose everything, so nobody else, ``ground`` included, imports them."""

    top = fields.StringField()
    ground = fields.SetField(subfield=fields.StringField())

    def breaches(self, graph: ImportGraph) -> Iterator[Breach]:
        roof = {m for m in graph.modules if _inside(m, self.top) and not any(_inside(m, g) for g in self.ground)}
        roof -= {self.top}
        for imported in roof:
            for importer in graph.find_modules_that_directly_import(imported) - roof - {self.top}:
                yield Breach(importer, imported, _line(graph, importer, imported), "the roof is for nobody else")


class _ShrinkingContract(_ListingContract):
    """A contract that today's code does not keep everywhere: what breaks it is listed, and the list only shrinks.

    A breach that is not in the file is an error, and so is a line of the file that breaks nothing any more.
    """

    known = fields.StringField()

    def all_breaches(self, graph: ImportGraph) -> Iterator[Breach]:
        raise NotImplementedError

    def breaches(self, graph: ImportGraph) -> Iterator[Breach]:
        found = {(breach.importer, breach.imported): breach for breach in self.all_breaches(graph)}
        listed = _listed(Path(self.known))
        for pair in found.keys() - listed:
            yield found[pair]
        for importer, imported in listed - found.keys():
            yield Breach(importer, imported, None, f"is no breach any more: take the line out of {self.known}")


def _listed(path: Path) -> set[tuple[str, str]]:
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    pairs = (line.partition(" -> ") for line in lines if line)
    return {(importer, imported) for importer, _arrow, imported in pairs}


class RoomOrder(_ShrinkingContract):
    """Inside an app the rooms are ordered: a room imports from itself and from lower ones.

    ``layers`` runs from high to low, one line each, ``|`` between rooms that must not know each other. Modules beside
    the rooms (the app's urls, admin, apps) stand above them all. A room that no line names is a breach by itself.
    """

    app = fields.StringField()
    layers = fields.ListField(subfield=fields.StringField())
    beside = fields.SetField(subfield=fields.StringField())

    def all_breaches(self, graph: ImportGraph) -> Iterator[Breach]:
        heights = {name.strip(): -n for n, line in enumerate(self.layers) for name in line.split("|")}
        rooms = {m: m.split(".")[1] for m in graph.modules if m.startswith(self.app + ".")}
        rooms = {m: room for m, room in rooms.items() if room not in self.beside}
        for importer, room in rooms.items():
            if room not in heights:
                yield Breach(importer, self.app, None, f"no line of the contract names the room {room}")
                continue
            for imported in graph.find_modules_directly_imported_by(importer):
                if not imported.startswith(self.app + "."):
                    continue
                other = imported.split(".")[1]
                if other == room or (other in heights and heights[other] < heights[room]):
                    continue
                yield Breach(importer, imported, _line(graph, importer, imported), f"{room} stands below {other}")


class Surfaces(_ShrinkingContract):
    """``console``, ``center`` and ``api`` of a room do not know each other, and their tools are theirs alone.

    ``tools`` names the modules of the ground made for one surface: only that surface (and what is listed beside it)
    imports them. ``loaders`` are modules that nobody imports from: the models of an app are imported from their rooms.
    """

    surfaces = fields.SetField(subfield=fields.StringField())
    tools = fields.ListField(subfield=fields.StringField())
    loaders = fields.SetField(subfield=fields.StringField())
    apps = fields.SetField(subfield=fields.StringField())

    def all_breaches(self, graph: ImportGraph) -> Iterator[Breach]:
        tools = dict(self._users_of_tools())
        for importer in sorted(graph.modules):
            parts = importer.split(".")
            if parts[0] not in self.apps:
                continue
            for imported in graph.find_modules_directly_imported_by(importer):
                if why := self._why(parts, imported, tools):
                    yield Breach(importer, imported, _line(graph, importer, imported), why)

    def _users_of_tools(self) -> Iterator[tuple[str, set[str]]]:
        for line in self.tools:
            tool, _colon, users = line.partition(":")
            yield tool.strip(), set(users.split())

    def _why(self, parts: list[str], imported: str, tools: dict[str, set[str]]) -> str:
        if imported in self.loaders and len(parts) > 2:
            return "a model is imported from its room"
        for tool, users in tools.items():
            if _inside(imported, tool) and not users & set(parts):
                return f"{tool} is for {', '.join(sorted(users))}"
        own, other = self._surface(parts), self._surface(imported.split("."))
        same_room = parts[:2] == imported.split(".")[:2]
        return f"{own} may not know {other}" if own and other and own != other and same_room else ""

    def _surface(self, parts: list[str]) -> str | None:
        return next((part for part in parts[2:] if part in self.surfaces), None)


class HouseLayers(_ListingContract):
    """Inside an app a module imports from its own layer or a lower one, seen through modules that name no layer.

    ``layers`` runs from high to low, one line each, ``|`` between layers that must not know each other. A module's
    layer is the first part of its path that names one: ``members.terms.models`` is models,
    ``members.imports.console.views`` is views. ``private`` layers are never imported from another app, ``pure`` ones
    import nothing of ``impure``.
    """

    layers = fields.ListField(subfield=fields.StringField())
    private = fields.SetField(subfield=fields.StringField())
    pure = fields.SetField(subfield=fields.StringField())
    impure = fields.SetField(subfield=fields.StringField())

    def breaches(self, graph: ImportGraph) -> Iterator[Breach]:
        heights = {name.strip(): len(self.layers) - n for n, line in enumerate(self.layers) for name in line.split("|")}
        own = [m for m in graph.modules if not graph.is_module_squashed(m)]
        rooms = {".".join(m.split(".")[:2]) for m in own if m.count(".") == 2 and m.split(".")[2] in heights}
        layer_of = {module: self._layer(module, heights, rooms) for module in own}
        yield from self._upward(graph, layer_of, heights)
        yield from self._across(graph, layer_of)
        yield from self._impure(graph, layer_of)

    @staticmethod
    def _layer(module: str, heights: dict[str, int], rooms: set[str]) -> str | None:
        parts = module.split(".")
        inside = parts[2:] if parts[0] == "config" or ".".join(parts[:2]) in rooms else parts[1:]
        return next((part for part in inside if part in heights), None)

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
    return module.partition(".")[0]
