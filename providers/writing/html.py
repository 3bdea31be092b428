"""The HTML part: made from the text, or the campaign's own page with the footer put in. No images, no tracking."""

import re
from html import escape

from providers.writing.paragraphs import Line

_URL = re.compile(r"(https?://[^\s<>\"']+)")
_TRAILING = ".,;:!?…*"
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_PAGE = """\
<!DOCTYPE html>
<html>
<head><meta charset="utf-8"></head>
<body style="font-family: sans-serif; font-size: 15px; line-height: 1.5">
{content}
</body>
</html>
"""


def page_from_text(body: list[list[Line]], footer: str) -> str:
    """The paragraphs as a page; `footer` is HTML."""
    shown = [f"<p>{'<br>'.join([_shown(line) for line in paragraph])}</p>" for paragraph in body]
    return _PAGE.format(content="\n".join([*shown, footer]))


def page_with_footer(html: str, footer: str) -> str:
    """The campaign's own HTML, a page or a part of one, with the footer at its end."""
    ends = [match.start() for match in _BODY_END.finditer(html)]
    if ends:
        return f"{html[: ends[-1]]}{footer}\n{html[ends[-1] :]}"
    if "<html" in html.lower():
        return f"{html}\n{footer}\n"
    return _PAGE.format(content=f"{html}\n{footer}")


def linked(text: str) -> str:
    """The text escaped, its http and https addresses clickable."""
    if "://" not in text:
        return escape(text)
    pieces = _URL.split(text)
    pieces[::2] = map(escape, pieces[::2])
    pieces[1::2] = map(_link, pieces[1::2])
    return "".join(pieces)


def _link(url: str) -> str:
    """An address as a link; punctuation at its end and a bracket opened before it belong to the sentence."""
    address = url.rstrip(_TRAILING)
    while address.endswith(")") and address.count(")") > address.count("("):
        address = address[:-1].rstrip(_TRAILING)
    shown = escape(address)
    return f'<a href="{shown}">{shown}</a>{escape(url[len(address) :])}'


def _shown(line: Line) -> str:
    indent = len(line.text) - len(line.text.lstrip())
    return "&nbsp;" * indent + linked(line.text[indent:])
