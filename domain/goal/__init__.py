"""A goal in words, read without a model: how many of whom, where, how active; and the words that say nothing to us."""

from domain.goal.comparing import Disagreement, audience_of, disagreements
from domain.goal.reading import Goal, read_goal
from domain.goal.text import words

__all__ = ["Disagreement", "Goal", "audience_of", "disagreements", "read_goal", "words"]
