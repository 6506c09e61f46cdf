"""Nomatron: governed deployments for HashiCorp Nomad, from Slack.

The packages, from the outside in. Imports only point inwards, which ``lint-imports`` checks::

    bot/__main__, bot/wiring         parse, compose, run; nobody imports wiring
    handlers/                        all surfaces: translate, call one operation, present the result
    bot/operations  bot/gateways  store    operations | Slack, Nomad, files | the database: independent
    bot/ports                        what the operations need, as Protocols
    bot/domain                       records and rules: standard library only, no clock, no I/O
    bot/errors                       the error tree

``jobspec`` (Nomad's jobspecs in Python) and ``sandbox`` (a simulated Slack and a simulated Nomad that speak the wire)
import none of this.
"""

__version__ = "0.1.0"
