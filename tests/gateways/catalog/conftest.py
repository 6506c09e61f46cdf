"""A catalog folder that is right, for tests to spoil in one place each."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from bot.gateways.catalog import Reading, read

if TYPE_CHECKING:
    from pathlib import Path

MAIN = """\
timezone: Europe/Amsterdam
admin_channel: C0OPS00001
groups:
  developers: {usergroup: S0DEV00001}
  sre: {usergroup: S0SRE00001}
  owners: {users: [U0ALICE001, U0BOB00001, U0CAROL001]}
roles:
  - {group: developers, may: [request, promote]}
  - group: sre
    may: [request, promote, withdraw, rollback, run, restart, scale, stop, lock, promote-canary, break-glass, resolve]
clusters:
  eu: {address: "https://nomad.example:4646", region: global, token_env: NOMAD_TOKEN_EU}
environments:
  - name: staging
    cluster: eu
    namespace: staging
    channel: C0STAGING1
    variables: {log_level: debug}
    approvals: []
  - name: production
    cluster: eu
    namespace: apps
    channel: C0PROD0001
    variables: {log_level: warn}
    approvals: [{from: sre, count: 1}, {from: service.owners}]
    expires: 12h
    reason: required
templates:
  web: {file: templates/web.nomad.hcl, variables: {memory: 256}}
"""

CHECKOUT = """\
services:
  - name: checkout
    template: web
    owners: owners
    version_variable: image_tag
    compare: "https://git.example/checkout/compare/{from}...{to}"
    variables: {port: 8080}
    settable: [count]
    show: [LOG_LEVEL]
    environments:
      staging: {variables: {count: 1}}
      production: {variables: {count: 6}, channel: C0CHECKOUT}
"""

WEB = """\
variable "image_tag" { type = string }
variable "count" {
  type    = number
  default = 1
}
variable "memory" { default = 128 }
variable "port" { default = 80 }
variable "log_level" { default = "info" }

job "web" {
  group "web" {
    count = var.count
    task "web" {
      driver = "docker"
      config { image = "registry.example/checkout:${var.image_tag}" }
    }
  }
}
"""


class CatalogFolder:
    """Files of a catalog. A spoilt line ends in ``# here``; ``here()`` is how an issue names it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("nomatron.yaml", MAIN)
        self.write("services/checkout.yaml", CHECKOUT)
        self.write("templates/web.nomad.hcl", WEB)

    def write(self, file: str, text: str) -> None:
        path = self.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def text(self, file: str) -> str:
        return (self.path / file).read_text(encoding="utf-8")

    def change(self, old: str, new: str, file: str = "nomatron.yaml") -> None:
        text = self.text(file)
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
        self.write(file, text.replace(old, new))

    def add(self, text: str, file: str = "nomatron.yaml") -> None:
        self.write(file, self.text(file) + textwrap.dedent(text))

    def here(self) -> list[str]:
        found = []
        for path in sorted(self.path.rglob("*.*")):
            lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
            name = path.relative_to(self.path).as_posix()
            found += [f"{name}:{number}" for number, line in enumerate(lines, 1) if line.endswith("# here")]
        return found

    def read(self) -> Reading:
        return read(self.path)

    def errors(self) -> list[str]:
        return [str(issue) for issue in self.read().errors]

    def warnings(self) -> list[str]:
        reading = self.read()
        assert not reading.errors, reading.errors
        return [str(issue) for issue in reading.warnings]


@pytest.fixture
def folder(tmp_path: Path) -> CatalogFolder:
    return CatalogFolder(tmp_path / "catalog")
