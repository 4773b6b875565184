"""A tiny taxonomy with a model trained on it, caches made anew, and the judged products."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import ROOT

from matching.fields import assignment, deciding
from matching.fields.crosswalk import load_crosswalk
from matching.fields.model import FieldModel
from matching.fields.taxonomies import Node, Taxonomy, load_taxonomies
from matching.fields.training import examples_of, train

_PRODUCTS = "DUIJIE_FIELD_PRODUCTS"
_CACHES = (load_taxonomies, load_crosswalk, assignment.models_of, assignment._names, deciding.known_terms)


def _node(code: str, name: str, english: str, parent: str, *terms: str) -> Node:
    return Node(code, name, english, parent, "", "说明", "What belongs here", (), dict.fromkeys(terms, 1.0))


@pytest.fixture(scope="session")
def tiny() -> Taxonomy:
    """Three fields, two of them under one node, whose terms share no character."""
    optics = (
        "光纤",
        "光纤通信",
        "光纤传感",
        "光纤放大器",
        "光缆",
        "光缆敷设",
        "激光",
        "激光器",
        "激光切割",
        "激光雷达",
    )
    bearings = ("轴承", "滚动轴承", "滑动轴承", "轴承座", "主轴", "齿轮", "齿轮箱", "斜齿轮", "齿轮油", "联轴器")
    crops = ("大豆", "大豆油", "大豆育种", "水稻", "水稻育秧", "水稻插秧", "玉米", "玉米育种", "玉米播种", "稻田")
    return Taxonomy(
        "tiny",
        "小树",
        "Tiny",
        "written for these tests",
        9,
        (
            _node("A", "甲部", "Part one", ""),
            _node("A1", "光", "Optics", "A", *optics),
            _node("A2", "轴", "Bearings", "A", *bearings),
            _node("B", "农", "Crops", "", *crops),
        ),
    )


@pytest.fixture(scope="session")
def tiny_model(tiny: Taxonomy) -> FieldModel:
    return train({"tiny": examples_of(tiny)}, {"tiny": tiny})


@pytest.fixture
def taxonomy_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for taxonomies of a user, in use while the test runs."""
    folder = tmp_path / "taxonomies"
    folder.mkdir()
    monkeypatch.setenv("DUIJIE_TAXONOMIES", str(folder))
    _clear()
    yield folder
    _clear()


def _clear() -> None:
    for cached in _CACHES:
        cached.cache_clear()


@pytest.fixture(scope="session")
def field_products() -> Path:
    """The file of products with their official industry; it is not part of the project."""
    folder = Path(os.environ.get(_PRODUCTS, ROOT.parent / "shared" / "field_products"))
    if not (folder / "products.csv").is_file():
        pytest.skip(f"needs the judged products (products.csv): set {_PRODUCTS}")
    return folder / "products.csv"
