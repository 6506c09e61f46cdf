"""Callers with few rights: real tokens where ACLs are on, pretended ones on the simulated Nomad."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Protocol

from tests.contract.nomad import policies
from tests.contract.nomad.client import Nomad

if TYPE_CHECKING:
    from tests.contract.nomad.client import EventStream, Json, Params, Reply


class Rights(Protocol):
    """What an ACL system offers to these tests."""

    def enforced(self) -> bool:
        """Whether rights are checked at all."""

    def caller_with(self, *capabilities: str) -> Nomad:
        """A caller that has only these capabilities in the namespace."""

    def anonymous(self) -> Nomad:
        """A caller without a token."""

    def stranger(self) -> Nomad:
        """A caller whose token nobody knows."""

    def close(self) -> None:
        """Take back what was made."""


class TokenRights:
    """Policies and tokens of a real agent."""

    def __init__(self, nomad: Nomad) -> None:
        self._nomad = nomad
        self._policies: list[str] = []
        self._tokens: list[str] = []

    def enforced(self) -> bool:
        myself = self._nomad.get("acl", "token", "self")
        return myself.status == 200 and myself.body["Type"] == "management"

    def caller_with(self, *capabilities: str) -> Nomad:
        name = f"contract-{uuid.uuid4().hex[:12]}"
        text = policies.rules(*capabilities, namespace=self._nomad.namespace)
        created = self._nomad.post("acl", "policy", name, body={"Name": name, "Rules": text})
        assert created.status == 200, created.text
        self._policies.append(name)
        order = {"Name": name, "Type": "client", "Policies": [name]}
        token = self._nomad.post("acl", "token", body=order).ok()
        self._tokens.append(token["AccessorID"])
        return self._nomad.twin(token=token["SecretID"])

    def anonymous(self) -> Nomad:
        return self._nomad.twin(token="")

    def stranger(self) -> Nomad:
        return self._nomad.twin(token=str(uuid.uuid4()))

    def close(self) -> None:
        for accessor in self._tokens:
            self._nomad.delete("acl", "token", accessor)
        for name in self._policies:
            self._nomad.delete("acl", "policy", name)


class PretendedRights:
    """The simulated Nomad knows no tokens: while one of these callers calls, it pretends those rights for everybody."""

    def __init__(self, nomad: Nomad) -> None:
        self._nomad = nomad

    def enforced(self) -> bool:
        return True

    def caller_with(self, *capabilities: str) -> Nomad:
        return self._pretender({"acl": "client", "capabilities": {self._nomad.namespace: capabilities}})

    def anonymous(self) -> Nomad:
        return self._pretender({"acl": "anonymous"})

    def stranger(self) -> Nomad:
        return self._pretender({"acl": "unknown"})

    def close(self) -> None:
        """Nothing was made."""

    def _pretender(self, rights: Json) -> Nomad:
        return self._nomad.own(PretendingCaller(self._nomad, rights))


class PretendingCaller(Nomad):
    """A caller of the simulated Nomad that has these rights, and gives everybody theirs back after each call."""

    def __init__(self, everybody: Nomad, rights: Json) -> None:
        super().__init__(everybody.address, namespace=everybody.namespace)
        self._rights = rights

    def call(
        self, method: str, *parts: str, params: Params | None = None, body: object = None, timeout: float = 30.0
    ) -> Reply:
        self.control("pretend", self._rights)
        try:
            return super().call(method, *parts, params=params, body=body, timeout=timeout)
        finally:
            self.control("pretend", {})

    def events(self, *topics: str, index: int | None = None) -> EventStream:
        raise NotImplementedError("the simulated Nomad refuses a stream with a 403, where Nomad says nothing")
