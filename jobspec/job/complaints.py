"""Nomad's diagnostics for unexpected arguments, blocks and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from jobspec.syntax.nodes import Attribute, Block
    from jobspec.syntax.source import Source


def unexpected_argument(attribute: Attribute, known: Collection[Any], blocks: Collection[Any], source: Source) -> str:
    """The diagnostic for an argument that the block does not have."""
    detail = f'An argument named "{attribute.name}" is not expected here.'
    if attribute.name in blocks:
        detail += f' Did you mean to define a block of type "{attribute.name}"?'
    elif near := _nearest(attribute.name, known):
        detail += f' Did you mean "{near}"?'
    return source.problem(attribute.start, attribute.name_end, "Unsupported argument", detail)


def unexpected_block(block: Block, arguments: Collection[Any], known: Collection[Any], source: Source) -> str:
    """The diagnostic for a nested block that the block does not have."""
    detail = f'Blocks of type "{block.kind}" are not expected here.'
    if block.kind in arguments:
        detail += f' Did you mean to define argument "{block.kind}"? If so, use the equals sign to assign it a value.'
    elif near := _nearest(block.kind, known):
        detail += f' Did you mean "{near}"?'
    return source.problem(block.start, block.start + len(block.kind), "Unsupported block type", detail)


def labels(block: Block, wanted: int, source: Source) -> str:
    """The diagnostic for too many or too few labels."""
    if len(block.labels) < wanted:
        detail = f"All {block.kind} blocks must have {wanted} labels (name)."
        start = block.body.start
        return source.problem(start, start + 1, f"Missing name for {block.kind}", detail)
    start = block.label_starts[wanted]
    detail = f"No labels are expected for {block.kind} blocks." if not wanted else f"Only {wanted} labels (name) are "
    detail += "" if not wanted else f"expected for {block.kind} blocks."
    end = start + len(block.labels[wanted])
    return source.problem(start, end, f"Extraneous label for {block.kind}", detail)


def twice(block: Block, first: Block, source: Source) -> str:
    """The diagnostic for a second block of a kind that may occur only once."""
    where = source.span(first.start, first.header_end)
    detail = f"Only one {block.kind} block is allowed. Another was defined at {where}."
    return source.problem(block.start, block.header_end, f"Duplicate {block.kind} block", detail)


def _nearest(name: str, known: Collection[Any]) -> str:
    """The first known name at a distance of less than three letters; empty if there is none."""
    return next((str(each) for each in sorted(filter(None, known)) if _distance(name, str(each)) < 3), "")


def _distance(one: str, other: str) -> int:
    """The Levenshtein distance: the number of letters to insert, delete or change."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        previous, row[0] = row[0], place
        for index, against in enumerate(other, 1):
            change = previous + (letter != against)
            previous, row[index] = row[index], min(row[index] + 1, row[index - 1] + 1, change)
    return row[-1]
