"""Request a deploy: check, record and number it. The worker plans it later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.actor import human_behind
from bot.domain.audit.events import Event, EventType, event_of
from bot.domain.audit.evidence import HIDDEN, membership_of, settings_of
from bot.domain.catalog.release import Release
from bot.domain.decision import Allowed, Refused, every
from bot.domain.deploy.deploy import Deploy
from bot.domain.deploy.gates import Ask, check_ask, check_quota, check_requester, interests
from bot.domain.deploy.message import PLANNING_SHOWN_AFTER, Delivery, Outgoing
from bot.domain.deploy.promotion import Candidate
from bot.domain.deploy.turns import superseded_by
from bot.domain.deploy.variables import check_values, newer_template
from bot.domain.masking import is_credential
from bot.domain.settings import check_settings, typed_settings
from bot.errors import AmbiguousCommit
from bot.operations.deploys.decide import ROUNDS, START_OVER, ask_membership, people_to_ask
from bot.operations.deploys.promotable import ask_nomad, promotion_gate
from bot.operations.deploys.target import lane_of
from bot.operations.deploys.transitions import held_now, offer_anew
from bot.operations.require import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from bot.domain.access import Membership
    from bot.domain.actor import Actor
    from bot.domain.decision import Decision, Reason
    from bot.domain.deploy.promotion import Asked
    from bot.operations.deploys.decide import Origin
    from bot.ports import Ports
    from bot.ports.store import ActiveCatalog, Reading, Transaction

__all__ = ["Ask", "Requested", "request"]

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Requested:
    """A new deploy, or the open deploy (``existing``) that somebody requested before with the same values.

    ``notes`` say what to know of it, ``holds`` what will delay it, as far as that is known.
    """

    deploy: Deploy
    existing: bool
    notes: tuple[str, ...] = ()
    holds: tuple[Reason, ...] = ()


async def request(
    ports: Ports,
    actor: Actor,
    ask: Ask,
    *,
    origin: Origin,
    nonce: str | None = None,
    active: ActiveCatalog | None = None,
) -> Requested | Refused:
    """Record a request; refused with every reason. A repeated request returns the same deploy as long as that is open.

    ``nonce`` makes the job differ from what runs (*Deploy again anyway*); ``active`` is the catalog in force, if the
    caller has read it already. Raises ``CatalogMissing``, ``Replayed``, and ``AmbiguousCommit`` if nobody can tell
    whether it was written.
    """
    for _ in range(ROUNDS):
        if active is None:
            async with ports.store.read() as reading:
                active = await reading.active_catalog()
        environment, well_formed = check_ask(active.catalog, ask)
        if environment:
            plain = check_settings(active.catalog, ask.service, environment, ask.overrides)
            well_formed = every([well_formed, plain])
        if isinstance(well_formed, Refused):
            return await refuse_ask(ports, actor, ask, well_formed, origin)
        membership = await _ask_membership(ports, active, ask.service, environment, actor)
        if isinstance(membership, Refused):
            return await refuse_ask(ports, actor, ask, membership, origin)
        asking = _Asking(active, ask, environment, actor, origin, nonce, ports.clock.now())
        asking = replace(asking, asked=await asking.ask_nomad(ports))
        # after a lost race or an uncommitted try, read the catalog again
        active = None
        try:
            async with ports.begin() as tx:
                answer = await asking.decide(tx, membership)
        except AmbiguousCommit as doubt:
            # certainly not written: deciding again cannot make a second deploy
            if not await origin.was_committed(ports, doubt):
                continue
        if answer is not None:
            return answer
    return START_OVER


async def _ask_membership(
    ports: Ports, active: ActiveCatalog, service: str, environment: str, actor: Actor
) -> Membership | Refused:
    groups = interests(active.catalog, service, environment)
    people = people_to_ask(active.catalog, service, environment, human_behind(actor))
    return await ask_membership(ports, groups, people)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The release to deploy, and all revisions that were requested before, oldest first."""

    release: Release
    known: tuple[Release, ...]

    @property
    def is_new(self) -> bool:
        """Whether nobody has requested this text before."""
        return self.revision > len(self.known)

    @property
    def revision(self) -> int:
        """The position of the text among all of this version, from 1."""
        texts = [release.fingerprint for release in self.known]
        return [*texts, self.release.fingerprint].index(self.release.fingerprint) + 1


@dataclass(frozen=True, slots=True)
class _Asking:
    active: ActiveCatalog
    ask: Ask
    environment: str
    actor: Actor
    origin: Origin
    nonce: str | None
    now: datetime
    asked: Mapping[str, Asked] | None = None

    async def ask_nomad(self, ports: Ports) -> Mapping[str, Asked]:
        """What Nomad says of the environments before; no transaction waits for it."""
        catalog = self.active.catalog
        if not catalog.environments[self.environment].after:
            return {}
        async with ports.store.read() as reading:
            chosen = await self._release(reading)
        return await ask_nomad(ports, catalog, self._candidate(chosen), self.environment, soaks=True)

    async def decide(self, tx: Transaction, membership: Membership) -> Requested | Refused | None:
        """Decide and write the result; None if the catalog has changed since the request was checked."""
        fingerprint = await tx.lock_catalog()
        # without this lock, two people who request the same release at once would both get a new deploy
        await tx.lock_service(self.ask.service, self.environment)
        if fingerprint != self.active.fingerprint:
            return None
        await self.origin.remember(tx, self.now)
        chosen = await self._release(tx)
        before = await self._before(tx, chosen.release) if self.ask.automatic else None
        if before is not None:
            return Requested(before, existing=True)
        typed, fits = typed_settings(self.active.catalog, chosen.release, self.environment, self.ask.overrides)
        decision = every(
            [
                check_requester(
                    self.actor,
                    self.ask.permission,
                    service=self.ask.service,
                    environment=self.environment,
                    catalog=self.active.catalog,
                    membership=membership,
                ),
                fits,
                check_values(self.active.catalog, chosen.release, self.environment, self.ask.overrides),
                await self._gate(tx, chosen),
            ]
        )
        if isinstance(decision, Refused):
            return await self._refuse(tx, decision, membership)
        # `count=3` and `count="3"` are the same request
        return await replace(self, ask=replace(self.ask, overrides=typed)).record(tx, chosen, membership)

    async def record(self, tx: Transaction, chosen: _Chosen, membership: Membership) -> Requested | Refused:
        """Add the deploy that was decided on, or find the open one with the same values."""
        same = await self._same(tx, chosen.release)
        if same is not None:
            return Requested(same, existing=True, holds=await self._holds(tx, same))
        quota = check_quota(*await tx.requested_by(self.actor, self.now - _MINUTE, self.now))
        if isinstance(quota, Refused):
            return await self._refuse(tx, quota, membership)
        return await self._add(tx, chosen)

    async def _refuse(self, tx: Transaction, decision: Refused, membership: Membership) -> Refused:
        refused = refusal_event(self.actor, self.ask, self.environment, decision, self.now)
        judged = membership_of([human_behind(self.actor)], self.active.catalog, membership)
        await tx.record(replace(refused, catalog=self.active.fingerprint, data={**refused.data, "judged": judged}))
        return decision

    def _candidate(self, chosen: _Chosen) -> Candidate:
        return Candidate(
            service=self.ask.service,
            version=self.ask.version,
            release=chosen.release.fingerprint,
            revision=chosen.revision,
        )

    async def _gate(self, reading: Reading, chosen: _Chosen) -> Decision:
        candidate, catalog = self._candidate(chosen), self.active.catalog
        return await promotion_gate(reading, catalog, candidate, self.environment, self.now, self.asked)

    async def _release(self, reading: Reading) -> _Chosen:
        """The release to deploy: the one that is promoted, the newest that passed, or one of the catalog's template."""
        # a promotion deploys the stored release, even if the catalog has another template by now
        if self.ask.release:
            stored = require(
                await reading.release(self.ask.release), f"the release of {self.ask.service} {self.ask.version}"
            )
            return _Chosen(stored, await reading.revisions(stored.service, stored.version, stored.template_name))
        template = self.active.catalog.template_for(self.ask.service, self.environment)
        known = await reading.revisions(self.ask.service, self.ask.version, template.name)
        if known and self.active.catalog.environments[self.environment].after:
            return await self._newest_passed(reading, known)
        release = Release(
            service=self.ask.service,
            version=self.ask.version,
            template_name=template.name,
            template=template.text,
            declared=template.declared,
            required=template.required,
            declarations=template.declarations,
        )
        before = await reading.release(release.fingerprint)
        if before is not None and before.template_name != template.name:
            # another template had this text first: its revisions count
            return _Chosen(before, await reading.revisions(before.service, before.version, before.template_name))
        return _Chosen(release, known)

    async def _newest_passed(self, reading: Reading, known: tuple[Release, ...]) -> _Chosen:
        """The newest revision that may be deployed here; if none may, the newest one, whose refusal says why."""
        for release in reversed(known):
            chosen = _Chosen(release, known)
            if isinstance(await self._gate(reading, chosen), Allowed):
                return chosen
        return _Chosen(known[-1], known)

    async def _before(self, tx: Transaction, release: Release) -> Deploy | None:
        """A deploy of the release there, whatever became of it; None if there was none."""
        runs = await tx.runs(self.ask.service, self.environment, release.fingerprint)
        known = next((run for run in runs if run.release == release.fingerprint), None)
        return await tx.deploy(known.deploy_id) if known else None

    async def _same(self, tx: Transaction, release: Release) -> Deploy | None:
        for deploy in await tx.open_deploys(self.ask.service, self.environment):
            if deploy.release == release.fingerprint and dict(deploy.overrides) == dict(self.ask.overrides):
                return deploy
        return None

    async def _add(self, tx: Transaction, chosen: _Chosen) -> Requested:
        release = chosen.release
        await tx.add_release(release)
        deploy = await add(
            tx,
            Deploy(
                service=self.ask.service,
                environment=self.environment,
                version=self.ask.version,
                release=release.fingerprint,
                overrides=self.ask.overrides,
                reason=self.ask.reason,
                requester=self.actor,
                requested_at=self.now,
                expires_at=self.now + self.active.catalog.environments[self.environment].expires,
                catalog=self.active.fingerprint,
                nonce=self.nonce,
                promotes=self.ask.promotes,
                asked_in=self.origin.channel,
                asked_via=self.origin.response_url,
                revision=chosen.revision,
                changed_at=self.now,
                due_at=self.now,
                lane=lane_of(self.active.catalog, self.environment),
            ),
            automatic=self.ask.automatic,
        )
        notes = (*self._on_revision(chosen), *await self._on_older(tx, deploy))
        return Requested(deploy, existing=False, notes=notes, holds=await self._holds(tx, deploy))

    async def _holds(self, tx: Transaction, deploy: Deploy) -> tuple[Reason, ...]:
        """What will delay the deploy, as far as that is known now (``docs/engine.md``, Gates)."""
        held = await held_now(tx, deploy, self.now) if deploy.status.undecided else Allowed()
        return held.reasons if isinstance(held, Refused) else ()

    async def _on_older(self, tx: Transaction, deploy: Deploy) -> tuple[str, ...]:
        """Which deploys this one will supersede."""
        if not self.active.catalog.environments[self.environment].supersede:
            return ()
        older = superseded_by(deploy, await tx.open_deploys(deploy.service, deploy.environment))
        named = ", ".join(f"{each.number} ({each.release_name})" for each in older)
        return (f"When it has its plan, it will supersede {named}.",) if named else ()

    def _on_revision(self, chosen: _Chosen) -> Iterator[str]:
        """Which revision this is if there are several, and how to deploy a template that it does not have."""
        version, revision, newest = self.ask.version, chosen.revision, len(chosen.known)
        if chosen.is_new and revision > 1:
            template = chosen.release.template_name
            yield f"r{revision} is new: the template {template} has changed since r{revision - 1} of {version}."
        elif newest > 1 and self.active.catalog.environments[self.environment].after and not self.ask.release:
            yield f"r{revision} is the newest revision of {version} that has passed."
        elif revision < newest:
            yield f"r{revision} is an earlier revision of {version}; the newest is r{newest}."
        if newer := newer_template(self.active.catalog, chosen.release, self.environment):
            yield newer


async def add(tx: Transaction, deploy: Deploy, *, automatic: bool = False) -> Deploy:
    """Add a deploy that may be requested, with its audit event and message; returns it with its number."""
    at = deploy.requested_at
    deploy = await tx.add_deploy(deploy)
    requested = event_of(
        EventType.DEPLOY_REQUESTED,
        deploy.requester,
        deploy,
        at,
        deploy.catalog,
        again=deploy.nonce is not None,
        automatic=automatic,
        expires_at=deploy.expires_at,
        promotes=deploy.promotes,
        reason=deploy.reason or "",
        release=deploy.release,
        revision=deploy.revision,
        version=deploy.version,
        set=settings_of(deploy.overrides),
        **_way_back(deploy),
    )
    await tx.record(requested)
    # not at once: most plans take seconds, and then the first message the channel sees already has the plan
    card = Outgoing(kind=Delivery.CARD, deploy_id=deploy.id, not_before=at + PLANNING_SHOWN_AFTER)
    await tx.send(card, at)
    await offer_anew(tx, deploy.service, at)
    return deploy


def _way_back(deploy: Deploy) -> dict[str, object]:
    """What a rollback goes back to and what it undoes, as the audit log has it."""
    back = deploy.rollback
    if back is None:
        return {}
    undoes = f"D-{back.undoes}" if back.undoes_deploy is not None else ""
    named = {"to": back.name, "undoes": undoes, "free": back.free, "approvers": list(back.approvers)}
    return {"rollback": named}


def refusal_event(actor: Actor, ask: Ask, environment: str, decision: Refused, at: datetime) -> Event:
    """The audit event of a refused request; such a request gets no number."""
    # somebody who forgets a word types a setting where the version belongs
    version = HIDDEN if is_credential(ask.version) else ask.version[:128]
    return Event(
        type=EventType.DEPLOY_REFUSED,
        at=at,
        actor=actor,
        service=ask.service[:128],
        environment=(environment or ask.environment or "")[:128],
        data={"codes": list(decision.codes), "version": version},
    )


async def refuse_ask(ports: Ports, actor: Actor, ask: Ask, decision: Refused, origin: Origin) -> Refused:
    """Record that a request was refused before a transaction decided it; returns the refusal. Raises ``Replayed``."""
    now = ports.clock.now()
    async with ports.begin() as tx:
        await origin.remember(tx, now)
        await tx.record(refusal_event(actor, ask, "", decision, now))
    return decision
