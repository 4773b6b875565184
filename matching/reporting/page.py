"""A report as one HTML file that prints well: nothing in it runs, nothing is fetched, and every text is escaped."""

from __future__ import annotations

from html import escape
from typing import Final

from matching.data_files import data_path
from matching.reporting.look import look
from matching.reporting.sheets import Column, Report, Sheet, hidden, moment_text, texts, widest
from matching.wording import say

_TAGS: Final = {"zh_CN": "zh-CN", "en": "en"}
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
# Characters that no document may hold, and those that turn the direction of what follows.
_LEFT_OUT: Final = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
# In place of page numbers, while the words around them are put into a style sheet.
_PAGE, _PAGES = "\x01", "\x02"


def page(report: Report) -> bytes:
    """The file: cover with lines to sign on, contents, then each sheet with its note, chart and table.

    Made twice of one report it is the same bytes. A table stands on portrait paper where it is narrow enough.
    """
    leaves = [_Leaf(number, sheet, report.language) for number, sheet in enumerate(report.sheets, start=1)]
    figures = _figures(leaves, report.language)
    sheets = "".join(_sheet(leaf, figure, report.language) for leaf, figure in zip(leaves, figures, strict=True))
    return (
        f'<!doctype html>\n<html lang="{_TAGS[report.language]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{_safe(report.title)}</title>\n'
        f"<style>\n{_style(report)}</style>\n</head>\n<body>\n{_cover(report)}{sheets}</body>\n</html>\n"
    ).encode()


def _safe(text: str) -> str:
    return escape(text.translate(_LEFT_OUT))


def _style(report: Report) -> str:
    """The style sheet, with what stands at the foot of each printed page."""
    css = data_path("reporting", "report.css").read_text("utf-8")
    pages = _quoted(say("report.page", report.language, page=_PAGE, pages=_PAGES))
    pages = pages.replace(_PAGE, '" counter(page) "').replace(_PAGES, '" counter(pages) "')
    as_of = _quoted(say("report.as_of", report.language, moment=moment_text(report.as_of)))
    foot = f"font-size: 9px; color: {look().colours.muted};"
    return (
        f"{css}@page {{\n  @bottom-left {{ content: {_quoted(report.title)}; {foot} }}\n"
        f"  @bottom-center {{ content: {pages}; {foot} }}\n  @bottom-right {{ content: {as_of}; {foot} }}\n}}\n"
    )


def _quoted(text: str) -> str:
    """A text as a style sheet quotes it; < is written by its number, so that it cannot end the style sheet."""
    kept = text if _PAGE in text else text.translate(_LEFT_OUT)
    for character in '\\"<\n\r':
        kept = kept.replace(character, f"\\{ord(character):x} ")
    return f'"{kept}"'


def _cover(report: Report) -> str:
    lines = "".join(f"<dt>{_safe(label)}</dt><dd>{_safe(text)}</dd>" for label, text in report.cover)
    contents = "".join(
        f'<li><span class="number">{number}</span><a href="#sheet-{number}">{_safe(sheet.title)}</a></li>'
        for number, sheet in enumerate(report.sheets, start=1)
    )
    signing = "".join(
        f'<div>{_safe(say(key, report.language))}<span class="line"></span></div>'
        for key in ("report.reporting_unit", "report.signed_by", "report.signed_day")
    )
    return (
        f'<section class="cover">\n<h1>{_safe(report.title)}</h1>\n<dl>{lines}</dl>\n'
        f'<h2>{_safe(say("report.contents", report.language))}</h2>\n<ol class="contents">{contents}</ol>\n'
        f'<div class="signing">{signing}</div>\n</section>\n'
    )


class _Leaf:
    """A sheet with its number and how it is set."""

    def __init__(self, number: int, sheet: Sheet, language: str) -> None:
        sizes = look().page
        self.number = number
        self.sheet = sheet
        self.cells = {column.name: texts(sheet, column, language) for column in sheet.columns}
        wide = sum(widest([column.heading, *self.cells[column.name]]) + 3 for column in sheet.columns)
        self.stands = wide <= sizes.portrait_width
        self.style = ("narrow" if self.stands else "wide") + (" dense" if wide > sizes.dense_width else "")
        self.pixels = sizes.portrait_chart_pixels if self.stands else sizes.landscape_chart_pixels


def _sheet(leaf: _Leaf, figure: str, language: str) -> str:
    sheet = leaf.sheet
    note = f'<p class="note">{_safe(sheet.note)}</p>\n' if sheet.note else ""
    none = f'<p class="empty">{_safe(say("report.no_rows", language))}</p>\n'
    body = f"{figure}{_table(sheet, leaf.cells)}" if sheet.rows.height else none
    return (
        f'<section class="sheet {leaf.style}" id="sheet-{leaf.number}">\n'
        f"<h2>{leaf.number}. {_safe(sheet.title)}</h2>\n{note}{body}</section>\n"
    )


def _figures(leaves: list[_Leaf], language: str) -> list[str]:
    """The charts of sheets, all drawn at once; "" for a sheet without one."""
    drawn = [leaf for leaf in leaves if leaf.sheet.plot is not None and leaf.sheet.parts.height]
    if not drawn:
        return [""] * len(leaves)
    # The library of charts takes half a second to load: only who prints one waits for it.
    from matching.reporting.plots import svgs

    made = svgs([(leaf.sheet, leaf.pixels) for leaf in drawn], language)
    by_number = {leaf.number: _figure(leaf.sheet, svg, language) for leaf, svg in zip(drawn, made, strict=True)}
    return [by_number.get(leaf.number, "") for leaf in leaves]


def _figure(sheet: Sheet, svg: str | None, language: str) -> str:
    rows, most = sheet.parts.height, sheet.plot.most if sheet.plot else 0
    if svg is None:
        return f"<figure><figcaption>{_safe(say('report.not_drawn', language))}</figcaption></figure>\n"
    described = _safe(say("chart.description", language, name=sheet.title))
    more = _safe(say("report.first_rows", language, shown=most, rows=rows)) if rows > most else ""
    caption = f"<figcaption>{more}</figcaption>" if more else ""
    return f'<figure role="img" aria-label="{described}">{svg}{caption}</figure>\n'


def _table(sheet: Sheet, cells: dict[str, list[str]]) -> str:
    headings = "".join(f'<th scope="col"{_class(column)}>{_safe(column.heading)}</th>' for column in sheet.columns)
    columns = [_cells(sheet, column, cells[column.name]) for column in sheet.columns]
    rows = ["".join(row) for row in zip(*columns, strict=True)]
    last = len(rows) - 1
    body = "\n".join(
        f'<tr class="sum">{row}</tr>' if sheet.total and number == last else f"<tr>{row}</tr>"
        for number, row in enumerate(rows)
    )
    return f"<table>\n<thead><tr>{headings}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"


def _class(column: Column) -> str:
    return "" if column.kind == "text" else ' class="number"'


def _cells(sheet: Sheet, column: Column, texts: list[str]) -> list[str]:
    plain = "<td>" if column.kind == "text" else '<td class="number">'
    veiled = '<td class="number hidden">'
    marks = hidden(sheet, column.name)
    return [f"{veiled if mark else plain}{_safe(text)}</td>" for text, mark in zip(texts, marks, strict=True)]
