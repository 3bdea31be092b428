"""From what an author wrote to what the recipient will see: both parts, with their footers."""

from domain.campaign import CampaignSpec
from domain.message import Draft
from providers.writing.author import AuthoredText
from providers.writing.facts import Facts
from providers.writing.footer import footer
from providers.writing.html import page_from_text, page_with_footer
from providers.writing.paragraphs import paragraphs, plain_text


def finished(spec: CampaignSpec, facts: Facts, written: AuthoredText) -> Draft:
    """The draft for one person. An author's own page is kept; without one it is made from the text."""
    body, foot = paragraphs(written.body), footer(spec, facts)
    html = page_from_text(body, foot.html) if written.html is None else page_with_footer(written.html, foot.html)
    return Draft(
        number=facts.number,
        subject=written.subject,
        text=f"{plain_text(body)}\n\n{foot.text}\n",
        html=html,
        author=written.author,
        version=written.version,
    )
