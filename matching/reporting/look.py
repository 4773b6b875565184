"""How reports look: colours, fonts and sizes, from `datasets/reporting/look.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from matching.data_files import data_path
from matching.errors import DataFileError, Problem

_Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
_Size = Annotated[int, Field(ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Colours(_Part):
    series: tuple[_Colour, ...] = Field(min_length=1)
    heat_least: _Colour
    heat_greatest: _Colour
    heat_greatest_in_workbook: _Colour
    hidden: _Colour
    paper: _Colour
    text: _Colour
    muted: _Colour
    line: _Colour
    heading: _Colour


class _Chart(_Part):
    fonts: tuple[str, ...] = Field(min_length=1)
    font_size: _Size
    bar_height: _Size
    heat_row_height: _Size
    height: _Size
    label_width: _Size
    label_characters: _Size
    numbers_on_columns: int = Field(ge=0)
    light_from: float = Field(ge=0, le=1)


class _Workbook(_Part):
    least_width: _Size
    greatest_width: _Size
    chart_width_pixels: _Size


class _Page(_Part):
    portrait_width: _Size
    dense_width: _Size
    portrait_chart_pixels: _Size
    landscape_chart_pixels: _Size
    seconds_for_charts: _Size


class Look(_Part):
    """The data file: colours as #rrggbb, sizes in pixels, widths in Latin characters."""

    colours: _Colours
    chart: _Chart
    workbook: _Workbook
    page: _Page


@cache
def look() -> Look:
    """The look that ships with the program. Raises `DataFileError` when the file breaks a rule."""
    return read_look(data_path("reporting", "look.toml"))


def read_look(file: Path) -> Look:
    """The look of a file. Raises `DataFileError` when it is not in the form of one."""
    try:
        return Look.model_validate(tomllib.loads(file.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise DataFileError(Problem("look.form", file.name, values={"reason": error})) from error
