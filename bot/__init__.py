"""Nomatron: governed deployments for HashiCorp Nomad, from Slack.

The map, from the outside in; every arrow points inwards and ``lint-imports`` keeps it so::

    bot/__main__, bot/wiring         parse, compose, run; nobody imports wiring
    handlers/                        every way in: translate, call one operation, present the outcome
    bot/operations  bot/gateways  store    verbs | the outside world | every row: mutually blind
    bot/ports                        what the verbs need, as Protocols
    bot/domain                       nouns and rules: standard library only, no clock, no I/O
    bot/errors                       the error tree

``jobspec`` (Nomad's jobspecs in Python) and ``sandbox`` (a simulated Slack and a simulated Nomad that speak the wire)
import none of this.
"""

__version__ = "0.1.0"
