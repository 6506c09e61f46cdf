"""Container image references: registry, repository and tag."""

from __future__ import annotations

from typing import Final

_DOCKER_HUB: Final = "docker.io"
_MUTABLE: Final = frozenset({"", "latest", "main", "master", "edge", "nightly", "stable", "dev"})


def split_image(reference: str) -> tuple[str, str]:
    """Repository and tag (or ``sha256:...``); the tag is empty if there is none."""
    name, at, digest = reference.partition("@")
    if at:
        return name, digest
    repository, colon, tag = reference.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (reference, "")


def registry_of(reference: str) -> str:
    """The registry of an image; Docker Hub if the reference names none."""
    first, slash, _ = _bare(reference).partition("/")
    return first if slash and (first == "localhost" or any(sign in first for sign in ".:$")) else _DOCKER_HUB


def repository_of(reference: str) -> str:
    """The repository of an image, without the registry and the tag."""
    name, registry = _bare(split_image(reference)[0]), registry_of(reference)
    # a digest can follow a tag
    name = split_image(name)[0].removeprefix(f"{registry}/")
    return name.removeprefix("library/") if registry == _DOCKER_HUB else name


def is_mutable(reference: str) -> bool:
    """Whether the reference can mean another image tomorrow: no tag, or one that moves by custom."""
    tag = split_image(reference)[1]
    # an interpolated reference is unknown, and unknown is not mutable
    return tag.casefold() in _MUTABLE and "${" not in reference


def _bare(reference: str) -> str:
    return reference.removeprefix("docker://")
