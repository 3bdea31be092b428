"""A campaign that has searched, in any storage that has the rows of one."""

from scripted_source import NOW, contribution, profile, repository, searching
from stored_campaigns import CAMPAIGN, StoredCampaigns

from client.adapters import Storage
from domain.enriching import judged, wanted_by
from domain.source_ports import Found, Slice
from domain.sourcing import Onlooker, PassedOver, Profile, SourcePage

FOUND = ("ada", "bo", "cy", "di", "eve")
WIDGETS = repository(stars=1204, commits=41).model_copy(
    update={"topics": ("web", "pytest"), "language": "Python", "commits_read": 41}
)
FORMULAS = repository("formulas", commits=5000).model_copy(update={"description": "=1+1", "commits_read": 1000})


async def create(rows: Storage | StoredCampaigns, campaign_id: str = CAMPAIGN) -> None:
    """Five leads, the fourth gone, the third without an address, the last not read; two bots and two others."""
    spec = searching(topics=["pytest"])
    await rows.campaigns.create(campaign_id, spec, [], [])
    await rows.discoveries.cut(campaign_id, ["one", "two"])
    commits = {"ada": 20, "bo": 1, "cy": 5, "di": 5}
    seen = (
        Onlooker(identity="B_1", reason=PassedOver.BOT),
        Onlooker(identity="B_2", reason=PassedOver.BOT),
        Onlooker(identity="O_1", reason=PassedOver.ORGANIZATION),
        Onlooker(identity="unknown:R_widgets", reason=PassedOver.UNKNOWN_ACCOUNT),
    )
    page = SourcePage(
        repositories=(WIDGETS, FORMULAS),
        contributions=(
            *(contribution(who, commits=count, offsets={120: count}) for who, count in commits.items()),
            contribution("eve", "formulas", commits=100),
        ),
        passed_over=seen,
        incomplete=True,
        points=3,
    )
    assert await rows.discoveries.store_page(campaign_id, Slice(number=1, query="one", cursor=""), page, [])
    *judged_now, _ = await rows.people.unenriched(campaign_id, 1, len(FOUND), NOW)
    wanted = wanted_by(spec.audience, NOW)  # type: ignore[arg-type]  # a searched one
    results = [judged(one, _profile(one), wanted) for one in judged_now]
    await rows.people.store_enriched(campaign_id, results, 1000, points=2)


def _profile(one: Found) -> Profile | None:
    return None if one.login == "di" else profile(one.login, email="" if one.login == "cy" else None, location="Köln")
