"""The words that goals are written with: every word a goal's reader knows, and what it stands for."""

from collections.abc import Mapping

from domain.campaign import Stage


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _each(text: str) -> dict[str, str]:
    return {word: word for word in _words(text)}


LANGUAGES: Mapping[str, str] = {
    **_each(
        "python javascript typescript java rust ruby php c++ c# f# swift kotlin scala elixir erlang haskell "
        "clojure dart lua perl julia zig nim ocaml shell powershell objective-c solidity groovy fortran cobol "
        "matlab html css vue svelte elm racket scheme crystal"
    ),
    "js": "javascript",
    "ts": "typescript",
    "golang": "go",
    "cpp": "c++",
    "csharp": "c#",
    "fsharp": "f#",
    "bash": "shell",
    "objective c": "objective-c",
    "jupyter notebook": "jupyter notebook",
    "common lisp": "common lisp",
    "emacs lisp": "emacs lisp",
}
"""In small letters, as GitHub's search names them."""

SHORT_LANGUAGES = ("Go", "C", "R")
"""Languages whose names are words of their own: these spellings only, or after the word language."""

ALL_LANGUAGES: Mapping[str, str] = {**LANGUAGES, **{name.casefold(): name.casefold() for name in SHORT_LANGUAGES}}

TOPICS: Mapping[str, str] = {
    **_each(
        "pytest ci cd ai nlp llm devops docker kubernetes testing security privacy cryptography web frontend "
        "backend fullstack mobile android ios linux embedded robotics iot blockchain bitcoin ethereum web3 react "
        "angular django flask fastapi rails nodejs graphql api cli database postgresql mysql sqlite redis kafka "
        "spark airflow numpy pandas pytorch tensorflow keras scikit-learn jupyter langchain ansible terraform aws "
        "azure gcp cloud serverless microservices observability monitoring logging opentelemetry prometheus "
        "documentation accessibility compiler webassembly bioinformatics astronomy gis education automation"
    ),
    "ml": "machine-learning",
    "machine learning": "machine-learning",
    "deep learning": "deep-learning",
    "artificial intelligence": "artificial-intelligence",
    "natural language processing": "nlp",
    "llms": "llm",
    "large language models": "llm",
    "computer vision": "computer-vision",
    "reinforcement learning": "reinforcement-learning",
    "data science": "data-science",
    "data scientists": "data-science",
    "data engineering": "data-engineering",
    "data visualization": "data-visualization",
    "k8s": "kubernetes",
    "cloud native": "cloud-native",
    "continuous integration": "ci",
    "front end": "frontend",
    "back end": "backend",
    "full stack": "fullstack",
    "web assembly": "webassembly",
    "wasm": "webassembly",
    "node.js": "nodejs",
    "postgres": "postgresql",
    "databases": "database",
    "apis": "api",
    "compilers": "compiler",
    "game development": "game-development",
    "gamedev": "game-development",
    "infosec": "security",
    "infrastructure as code": "infrastructure-as-code",
}

ROLES: Mapping[str, str] = {
    **dict.fromkeys(_words("maintainer maintainers maintain maintains owner owners author authors"), "maintainers"),
    **dict.fromkeys(_words("contributor contributors contribute committer committers"), "contributors"),
    **dict.fromkeys(
        _words(
            "developer developers dev devs engineer engineers programmer programmers coder coders software- "
            "engineer software-engineers software-developer software-developers"
        ),
        "developers",
    ),
}

STAGES: Mapping[str, Stage] = {
    **dict.fromkeys(
        _words("find get look looking discover search identify locate collect gather list"), Stage.DISCOVERY
    ),
    **dict.fromkeys(_words("enrich research"), Stage.ENRICHMENT),
    **dict.fromkeys(_words("personalize personalise draft write compose"), Stage.PERSONALIZATION),
    **dict.fromkeys(_words("review approve"), Stage.REVIEW),
    **dict.fromkeys(
        _words("send e-mail email emails mail mails contact message messages reach pitch invite offer"), Stage.SENDING
    ),
    **dict.fromkeys(_words("report"), Stage.REPORTING),
}
"""What is to be done. What is sent stands in the spec: the words after such a verb are read like all others."""

PROVIDERS = ("instantly", "resend", "smtp")

NEGATIONS = frozenset(
    _words(
        "no not never without except excluding exclude excludes but outside non avoid skip neither nor isn't aren't "
        "wasn't weren't don't doesn't didn't haven't hasn't"
    )
)
"""What follows one of them is not wanted, and a search cannot say so."""

BEFORE_COUNT = frozenset(
    [*STAGES, *ROLES, *_words("me us to for all about around roughly the these and people with some")]
)
"""After these words a number says how many people; behind others it belongs to the word before it."""

COUNTRIES = frozenset(
    _words(
        "argentina australia austria belgium brazil bulgaria canada chile china colombia croatia cyprus czechia "
        "denmark egypt estonia europe finland france germany ghana greece hungary iceland india indonesia ireland "
        "israel italy japan kenya latvia lithuania luxembourg malaysia malta mexico morocco netherlands nigeria "
        "norway pakistan peru philippines poland portugal romania serbia singapore slovakia slovenia spain sweden "
        "switzerland taiwan thailand turkey ukraine usa uk vietnam"
    )
)
"""Places that nothing has to follow, and that are known without a capital."""

UNITS: Mapping[str, int] = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365}
"""Days."""

STOP_WORDS = frozenset(
    _words(
        "a about across after all also among an and any anybody anyone are around as at based be been both by can "
        "community each ecosystem every everybody everyone folks for from github have having i in into is it "
        "located me my near of on onto open open-source opensource or oss our out over people persons please "
        "project projects repo repos repositories repository so some somebody source space that the their them "
        "then there these they this those through to tools tool libraries library framework frameworks package "
        "packages up use using us via we where which who whom whose will with within work working would written "
        "you your living residing do does them was were"
    )
)
"""Words that change nothing of what is searched."""

NO_PLACES = frozenset(
    _words(
        "january february march april may june july august september october november december monday tuesday "
        "wednesday thursday friday saturday sunday "
        "q1 q2 q3 q4 h1 h2"
    )
)
"""Words with a capital that can stand after `in` or `from` and are no place."""
