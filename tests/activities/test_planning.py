"""What a campaign consists of follows from where its people come from."""

from local_world import spec
from scripted_source import ScriptedSource, page, searching
from stored_campaigns import CAMPAIGN, StoredCampaigns
from temporalio.testing import ActivityEnvironment

from activities.planning import PlanningActivities
from domain.campaign import CampaignSpec
from domain.wire import CampaignPlan, CampaignRef
from storage.discovery import DiscoveryRows


async def planned(stored: StoredCampaigns, of: CampaignSpec, slices: int, leads: int = 0) -> CampaignPlan:
    """The plan of a campaign whose source cuts its search into so many slices."""
    await stored.create(leads=leads, of=of)
    source = ScriptedSource({(f"slice-{number}", ""): page(["ada"]) for number in range(slices)})
    activities = PlanningActivities(stored.campaigns, DiscoveryRows(stored.database, stored.keys), source)
    return await ActivityEnvironment().run(activities.plan_campaign, CampaignRef(campaign_id=CAMPAIGN))


async def test_a_search_goes_through_its_slices_in_turns_one_a_window(stored: StoredCampaigns) -> None:
    plan = await planned(stored, searching(), slices=3)
    assert (plan.slices, plan.slice_window, plan.takes_turns) == (3, 1, True)
    assert plan.first_window < plan.enrich_window == plan.draft_window == plan.send_window
    assert plan.ahead == 1000, "nobody is looked for beyond those who are wanted"


async def test_a_list_of_repositories_is_shared_out_among_four_windows(stored: StoredCampaigns) -> None:
    names = [f"example-org/widgets-{number}" for number in range(10)]
    of = spec().model_dump(mode="json", exclude_unset=True)
    listed = CampaignSpec.model_validate({**of, "audience": {"source": "repositories", "repositories": names}})
    plan = await planned(stored, listed, slices=10)
    assert (plan.slices, plan.slice_window, plan.takes_turns) == (10, 3, True)


async def test_people_from_a_file_are_not_searched_for(stored: StoredCampaigns) -> None:
    plan = await planned(stored, spec(), slices=3, leads=7)
    assert (plan.leads, plan.slices, plan.ahead) == (7, 0, 0)
