"""Decodes the blocks that need more than their table: constraints, groups, tasks and the job itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from jobspec.evaluation.dynamic import expand_blocks
from jobspec.evaluation.evaluate import Scope, evaluate
from jobspec.job import complaints
from jobspec.job.decode import Decoder
from jobspec.job.fields import Job, unset
from jobspec.syntax.source import InvalidHclError
from jobspec.values import BOOL, NUMBER, STRING, ConversionError, Type, convert, text_of

if TYPE_CHECKING:
    from jobspec.syntax.nodes import Attribute, Block

# if several of these are set, the last one wins
_AFFINITY: Final = ("version", "semver", "regexp", "set_contains_any", "set_contains_all", "set_contains")
_CONSTRAINT: Final = ("version", "semver", "regexp", "set_contains")
_IGNORED: Final = ("set_contains_all", "set_contains_any", "is_set", "is_not_set")
_WORDS: Final[dict[str, Type]] = dict.fromkeys(("attribute", "value", "operator"), STRING)
_POLICIES: Final = {"cpu": "vertical_cpu", "mem": "vertical_mem"}


class JobDecoder(Decoder):
    """Decodes a whole job."""

    def job(self, block: Block, scope: Scope) -> Job:
        """Decode a `job` block; the settings for all its tasks go under `_Vault`, `_Secrets` and `_Tasks`."""
        found = self.block("Job", block, scope, extra=("vault", "secret", "task"))
        vaults, secrets, tasks = (self._extra(block, kind, scope) for kind in ("vault", "secret", "task"))
        found["_Vault"] = self.one("Vault", *vaults[0]) if vaults else None
        for again, _scope in vaults[1:]:
            self.problems.append(complaints.twice(again, vaults[0][0], scope.source))
        found["_Secrets"] = [self.one("Secret", *each) for each in secrets]
        found["_Tasks"] = [self.one("Task", *each) for each in tasks]
        return found

    def one(self, kind: str, block: Block, scope: Scope) -> Job:
        """Decode a nested block of this kind."""
        if kind in {"Constraint", "Affinity"}:
            return self._rule(kind, block, scope)
        if kind == "TaskGroup":
            return self._group(block, scope)
        if kind == "Task":
            return self._task(block, scope)
        return super().one(kind, block, scope)

    def _extra(self, block: Block, kind: str, scope: Scope) -> list[tuple[Block, Scope]]:
        try:
            return [each for each in expand_blocks(block.body, scope) if each[0].kind == kind]
        except InvalidHclError:
            # reported already, when the block's own parts were decoded
            return []

    def _rule(self, kind: str, block: Block, scope: Scope) -> Job:
        """Decode a constraint or an affinity, which may have a short form: `regexp = "..."`."""
        shortcuts = _AFFINITY if kind == "Affinity" else _CONSTRAINT
        known = {**_WORDS, **dict.fromkeys((*shortcuts, *_IGNORED, "distinct_property"), STRING)}
        known |= {"weight": NUMBER} if kind == "Affinity" else {"distinct_hosts": BOOL}
        if kind == "Affinity":
            known = {
                name: each for name, each in known.items() if name not in {"distinct_property", "is_set", "is_not_set"}
            }
        given: dict[str, Any] = {}
        for attribute in block.body.attributes.values():
            self._argument(given, attribute, known, scope)
        for nested in block.body.blocks:
            self.problems.append(complaints.unexpected_block(nested, known, (), scope.source))
        return _rule_of(unset(kind), given, shortcuts)

    def _argument(self, given: dict[str, Any], attribute: Attribute, known: dict[str, Type], scope: Scope) -> None:
        if attribute.name not in known:
            self.problems.append(complaints.unexpected_argument(attribute, known, (), scope.source))
            return
        try:
            given[attribute.name] = convert(evaluate(attribute.value, scope), known[attribute.name])
        except InvalidHclError as error:
            self.problems += error.problems
        except ConversionError as error:
            detail = f'Inappropriate value for attribute "{attribute.name}": {error}.'
            place = attribute.value.head()
            self.problems.append(scope.source.problem(*place, "Incorrect attribute value type", detail))

    def _group(self, block: Block, scope: Scope) -> Job:
        found = self.block("TaskGroup", block, scope, extra=("vault", "secret"))
        for vault in self._extra(block, "vault", scope)[-1:]:
            shared = self.one("Vault", *vault)
            for task in found["Tasks"] or ():
                task["Vault"] = task["Vault"] or shared
        secrets = [self.one("Secret", *each) for each in self._extra(block, "secret", scope)]
        for task in found["Tasks"] or () if secrets else ():
            # Nomad gives a task with secrets its own secrets a second time, not the group's
            task["Secrets"] = [*task["Secrets"], *task["Secrets"]] if task["Secrets"] else secrets
        if scaling := found["Scaling"]:
            self._group_scaling(scaling, block, scope)
        return found

    def _group_scaling(self, scaling: Job, block: Block, scope: Scope) -> None:
        scaling["Type"] = scaling["Type"] or "horizontal"
        place = next(
            ((each.body.start, each.body.start) for each in block.body.blocks if each.kind == "scaling"), (0, 0)
        )
        if scaling["Max"] is None:
            detail = 'The argument "max" is required, but no definition was found.'
            self.problems.append(scope.source.problem(*place, "Missing required argument", detail))
        if scaling["Type"] != "horizontal":
            detail = f'task group scaling policy had invalid type: "{scaling["Type"]}"'
            self.problems.append(scope.source.problem(*place, "Invalid group scaling type", detail))

    def _task(self, block: Block, scope: Scope) -> Job:
        found = self.block("Task", block, scope, extra=("scaling",))
        seen: dict[str, Block] = {}
        for written, inner in self._extra(block, "scaling", scope):
            # the table has no label for this block, because a group's scaling block has none
            policy = self.one("ScalingPolicy", replace(written, labels=[], label_starts=[]), inner)
            self._task_scaling(policy, written, seen, inner)
            found["ScalingPolicies"] = [*(found["ScalingPolicies"] or ()), policy]
        return found

    def _task_scaling(self, policy: Job, block: Block, seen: dict[str, Block], scope: Scope) -> None:
        label = block.labels[0].lower() if block.labels else ""
        kind = _POLICIES.get(label)
        place = block.start, block.header_end
        if kind is None:
            detail = 'scaling policy name must be "cpu" or "mem"'
            self.problems.append(scope.source.problem(*place, "Invalid scaling policy name", detail))
        elif label in seen:
            detail = f"Only one scaling {label} block is allowed. Another was defined at "
            detail += f"{scope.source.span(seen[label].start, seen[label].header_end)}."
            self.problems.append(scope.source.problem(*place, f'Duplicate scaling "{label}" block', detail))
        elif policy["Type"] not in {"", kind}:
            detail = f'Invalid policy type, expected "{policy["Type"]}" but found "{kind}"'
            self.problems.append(scope.source.problem(*place, "Invalid scaling policy type", detail))
        else:
            seen[label] = block
            policy["Type"] = kind


def _rule_of(rule: Job, given: dict[str, Any], shortcuts: tuple[str, ...]) -> Job:
    rule["LTarget"] = given.get("attribute") or ""
    rule["RTarget"] = given.get("value") or ""
    rule["Operand"] = given.get("operator") or ""
    if given.get("weight") is not None:
        rule["Weight"] = int(given["weight"])
    for name in shortcuts:
        if given.get(name):
            rule |= {"Operand": name, "RTarget": given[name]}
    if given.get("distinct_hosts") is not None:
        rule |= {"Operand": "distinct_hosts", "RTarget": text_of(given["distinct_hosts"])}
    if given.get("distinct_property"):
        rule |= {"Operand": "distinct_property", "LTarget": given["distinct_property"]}
    rule["Operand"] = rule["Operand"] or "="
    return rule
