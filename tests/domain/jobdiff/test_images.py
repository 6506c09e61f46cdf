"""Image references."""

from __future__ import annotations

import pytest

from bot.domain.jobdiff.images import is_mutable, registry_of, repository_of, split_image


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("redis:7", ("redis", "7")),
        ("localhost:5000/redis", ("localhost:5000/redis", "")),
        ("redis", ("redis", "")),
        ("redis@sha256:abc", ("redis", "sha256:abc")),
    ],
)
def test_images_are_split(reference, parts):
    assert split_image(reference) == parts


@pytest.mark.parametrize(
    ("reference", "registry", "repository"),
    [
        ("redis:7", "docker.io", "redis"),
        ("library/redis", "docker.io", "redis"),
        ("docker://docker.io/library/redis:7", "docker.io", "redis"),
        ("shop/app:v1", "docker.io", "shop/app"),
        ("localhost:5000/app", "localhost:5000", "app"),
        ("localhost/app", "localhost", "app"),
        ("registry.example/shop/app:v1@sha256:abc", "registry.example", "shop/app"),
        ("${REGISTRY}/app:v1", "${REGISTRY}", "app"),
    ],
)
def test_registry_and_repository(reference, registry, repository):
    assert (registry_of(reference), repository_of(reference)) == (registry, repository)


@pytest.mark.parametrize(
    ("reference", "mutable"),
    [
        ("app", True), ("app:latest", True), ("app:Main", True), ("app:v1", False), ("app:latest@sha256:abc", False),
        ("${IMAGE}", False),
    ],
)  # fmt: skip
def test_which_tags_move(reference, mutable):
    assert is_mutable(reference) is mutable
