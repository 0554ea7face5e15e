"""
What Vision says of a scene: labels as it words them, in the company they really keep.

Words and proportions follow recorded answers of 2016 (wildlife first, then vertebrate, mammal,
bird, nature); the spelling is today's, with a capital.
"""

import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ingestor.sandbox.scenes import PORTRAIT, Scene

MAX_LABELS: Final = 20
"""More than anybody asks for by default, so that `maxResults` matters."""

SCORE_LEVELS: Final = 24
"""Few enough that two photos of one animal now and then score exactly the same."""

LOWEST_SCORE: Final = 0.5
"""What Vision is less sure of, it does not say."""

LEVEL_STEP: Final = 0.0043178
"""How far one level lowers a score; any odd fraction gives the long floats of real answers."""

WITHOUT_MID: Final = 0.04
"""Share of the words that come without an entity id."""

Weighted = Mapping[str, float]

KINGDOMS: Final[Mapping[str, Weighted]] = {
    "mammal": {
        "Mammal": 0.96,
        "Vertebrate": 0.93,
        "Wildlife": 0.925,
        "Terrestrial animal": 0.78,
        "Snout": 0.73,
        "Fur": 0.66,
        "Organism": 0.6,
    },
    "bird": {
        "Bird": 0.98,
        "Beak": 0.95,
        "Vertebrate": 0.9,
        "Wildlife": 0.965,
        "Nature": 0.87,
        "Feather": 0.79,
        "Wing": 0.7,
        "Organism": 0.58,
    },
    "insect": {
        "Insect": 0.97,
        "Macro photography": 0.93,
        "Nature": 0.955,
        "Invertebrate": 0.88,
        "Arthropod": 0.9,
        "Wildlife": 0.85,
        "Close-up": 0.81,
        "Pest": 0.57,
    },
    "reptile": {
        "Reptile": 0.96,
        "Vertebrate": 0.92,
        "Wildlife": 0.9,
        "Scaled reptile": 0.76,
        "Close-up": 0.7,
        "Terrestrial animal": 0.68,
        "Organism": 0.6,
    },
    "amphibian": {
        "Amphibian": 0.96,
        "Vertebrate": 0.91,
        "Wildlife": 0.87,
        "Close-up": 0.78,
        "Macro photography": 0.72,
        "Organism": 0.6,
    },
    "fish": {
        "Fish": 0.96,
        "Underwater": 0.93,
        "Vertebrate": 0.88,
        "Marine biology": 0.9,
        "Fin": 0.84,
        "Sea": 0.77,
        "Organism": 0.63,
    },
}

KINDS: Final[Mapping[str, tuple[str, Weighted]]] = {
    "dog": (
        "mammal",
        {"Dog": 0.985, "Carnivoran": 0.88, "Dog breed": 0.915, "Whiskers": 0.69, "Nose": 0.74},
    ),
    "cat": (
        "mammal",
        {
            "Cat": 0.99,
            "Whiskers": 0.975,
            "Small to medium-sized cats": 0.9,
            "Carnivoran": 0.85,
            "Felidae": 0.82,
        },
    ),
    "butterfly": (
        "insect",
        {"Butterfly": 0.985, "Moths and butterflies": 0.945, "Pollinator": 0.8, "Nectar": 0.64},
    ),
    "ladybird": ("insect", {"Beetle": 0.95, "Ladybird": 0.935, "Ladybug": 0.935}),
    "spider": (
        "insect",
        {"Spider": 0.98, "Arachnid": 0.93, "Spider web": 0.88, "Insect": 0.55, "Arthropod": 0.96},
    ),
    "duck": (
        "bird",
        {"Duck": 0.965, "Ducks, geese and swans": 0.93, "Waterfowl": 0.9, "Water bird": 0.86},
    ),
    "songbird": ("bird", {"Perching bird": 0.89, "Songbird": 0.9, "Old World flycatcher": 0.63}),
    "owl": ("bird", {"Owl": 0.985, "Bird of prey": 0.95, "Eye": 0.68}),
    "parrot": ("bird", {"Parrot": 0.975, "Macaw": 0.9, "Colorfulness": 0.67}),
    "flamingo": ("bird", {"Flamingo": 0.98, "Greater flamingo": 0.93, "Pink": 0.84}),
    "penguin": ("bird", {"Penguin": 0.985, "Flightless bird": 0.96, "King penguin": 0.8}),
    "deer": ("mammal", {"Deer": 0.965, "White-tailed deer": 0.86, "Antler": 0.83, "Fauna": 0.81}),
    "horse": ("mammal", {"Horse": 0.985, "Stallion": 0.88, "Mare": 0.86, "Mane": 0.83}),
    "lion": (
        "mammal",
        {"Lion": 0.98, "Masai lion": 0.93, "Big cats": 0.9, "Carnivoran": 0.87, "Whiskers": 0.76},
    ),
    "tiger": (
        "mammal",
        {"Tiger": 0.985, "Whiskers": 0.91, "Bengal tiger": 0.925, "Big cats": 0.89},
    ),
    "elephant": (
        "mammal",
        {"Elephant": 0.985, "Elephants and mammoths": 0.97, "African elephant": 0.9, "Tusk": 0.75},
    ),
    "giraffe": ("mammal", {"Giraffe": 0.985, "Giraffidae": 0.965, "Neck": 0.7, "Fauna": 0.76}),
    "bear": ("mammal", {"Bear": 0.97, "Carnivoran": 0.9}),
    "fox": ("mammal", {"Fox": 0.97, "Red fox": 0.955, "Carnivoran": 0.9, "Swift fox": 0.64}),
    "frog": ("amphibian", {"Frog": 0.98, "True frog": 0.85, "Tree frog": 0.83}),
    "fish": ("fish", {"Coral reef fish": 0.85, "Bony-fish": 0.79, "Pomacentridae": 0.66}),
    "monkey": (
        "mammal",
        {"Monkey": 0.965, "Primate": 0.96, "Macaque": 0.86, "Old World monkey": 0.81},
    ),
    "panda": ("mammal", {"Giant panda": 0.985, "Panda": 0.97, "Bear": 0.93, "Carnivoran": 0.87}),
    "snake": ("reptile", {"Snake": 0.985, "Serpent": 0.9, "Colubridae": 0.66}),
    "turtle": ("reptile", {"Turtle": 0.98, "Tortoise": 0.83, "Emydidae": 0.62}),
    "zebra": ("mammal", {"Zebra": 0.985, "Black and white": 0.87, "Pattern": 0.72, "Herd": 0.67}),
    "rabbit": ("mammal", {"Rabbit": 0.98, "Rabbits and hares": 0.97, "Ear": 0.72, "Whiskers": 0.7}),
    "vicuna": ("mammal", {"Vicuña": 0.955, "Camelid": 0.935, "Llama": 0.77, "Fauna": 0.74}),
}

VARIETIES: Final[Mapping[str, tuple[Weighted, ...]]] = {
    "dog": (
        {"Labrador retriever": 0.9, "Golden retriever": 0.86, "Companion dog": 0.7},
        {"German shepherd dog": 0.92, "Working dog": 0.8},
        {"Dalmatian": 0.94, "Companion dog": 0.72},
        {"Beagle": 0.91, "Scent hound": 0.77},
        {"Siberian husky": 0.92, "Sled dog": 0.83},
    ),
    "cat": (
        {"Tabby cat": 0.93, "European shorthair": 0.78},
        {"Black cat": 0.94, "Bombay": 0.72},
        {"Tabby cat": 0.86, "Domestic short-haired cat": 0.83},
        {"British shorthair": 0.88, "Russian blue": 0.8},
        {"Siamese": 0.92, "Thai": 0.78},
    ),
    "butterfly": (
        {"Monarch butterfly": 0.94, "Viceroy (butterfly)": 0.83, "Brush-footed butterfly": 0.88},
        {"Lycaenid": 0.88, "Blue": 0.79},
        {"Swallowtail butterfly": 0.9, "Yellow": 0.74},
        {"Cabbage butterfly": 0.9, "Pieridae": 0.8},
    ),
    "songbird": (
        {"European robin": 0.93},
        {"Blue tit": 0.9, "Chickadee": 0.83},
        {"House sparrow": 0.92, "Sparrow": 0.91},
        {"Northern cardinal": 0.93, "Finch": 0.8, "Red": 0.74},
    ),
    "duck": ({"Mallard": 0.94}, {"American Pekin duck": 0.9}, {"Teal": 0.87}),
    "owl": ({"Tawny owl": 0.9}, {"Snowy owl": 0.94}, {"Great horned owl": 0.9}),
    "parrot": ({"Scarlet macaw": 0.9}, {"Blue-and-yellow macaw": 0.9}, {"Parakeet": 0.91}),
    "horse": ({"Sorrel": 0.83}, {"Mustang horse": 0.8}, {"White": 0.76}, {"Bridle": 0.6}),
    "bear": ({"Brown bear": 0.95, "Grizzly bear": 0.93}, {"American black bear": 0.95}),
    "frog": ({"Green": 0.77}, {"Red-eyed tree frog": 0.84}, {"Poison dart frog": 0.83}),
    "fish": (
        {"Anemone fish": 0.93, "Clownfish": 0.92},
        {"Surgeonfish": 0.86, "Blue": 0.78},
        {"Goldfish": 0.88, "Aquarium": 0.8},
        {"Butterflyfish": 0.88, "Yellow": 0.78},
    ),
    "snake": ({"Smooth greensnake": 0.83}, {"Viper": 0.88}, {"Python": 0.86}),
    "rabbit": ({"Hare": 0.84}, {"Domestic rabbit": 0.9}, {"Audubon's cottontail": 0.83}),
}

PLACE_WORDS: Final[Mapping[str, Weighted]] = {
    "meadow": {"Grass": 0.82, "Meadow": 0.76, "Grassland": 0.72, "Plant": 0.74},
    "autumn": {"Autumn": 0.78, "Leaf": 0.72, "Deciduous": 0.64, "Plant": 0.7},
    "snow": {"Snow": 0.88, "Winter": 0.86, "White": 0.75, "Freezing": 0.65},
    "beach": {"Beach": 0.82, "Sand": 0.78, "Shore": 0.74, "Sea": 0.71},
    "sunset": {"Sunset": 0.86, "Sky": 0.8, "Dusk": 0.71, "Evening": 0.66},
    "lake": {"Water": 0.87, "Lake": 0.8, "Reflection": 0.77, "Wetland": 0.69},
    "dawn": {"Morning": 0.75, "Water": 0.79, "Mist": 0.68, "Reflection": 0.66},
    "bough": {"Branch": 0.84, "Twig": 0.75, "Tree": 0.74, "Plant": 0.66},
    "flowers": {"Flower": 0.86, "Plant": 0.82, "Petal": 0.74, "Flora": 0.7, "Spring": 0.62},
    "leaves": {"Leaf": 0.85, "Plant": 0.83, "Green": 0.78, "Flora": 0.68},
    "room": {"Window": 0.64, "Comfort": 0.62, "Domestic animal": 0.66},
    "night": {"Night": 0.81, "Darkness": 0.76, "Moon": 0.69},
    "forest": {"Forest": 0.84, "Tree": 0.79, "Wilderness": 0.76, "Natural environment": 0.72},
    "jungle": {"Jungle": 0.83, "Rainforest": 0.77, "Plant": 0.79, "Green": 0.66},
    "savanna": {"Savanna": 0.86, "Grassland": 0.83, "Safari": 0.76, "Wilderness": 0.72, "Sky": 0.7},
    "desert": {"Desert": 0.79, "Sand": 0.77, "Soil": 0.66},
    "reef": {"Coral reef": 0.86, "Reef": 0.83, "Coral": 0.76, "Water": 0.7},
    "deep": {"Underwater": 0.87, "Ocean": 0.8, "Azure": 0.66, "Water": 0.78},
    "bamboo": {"Bamboo": 0.83, "Plant": 0.76, "Zoo": 0.71},
    "ice": {"Ice": 0.82, "Snow": 0.84, "Arctic": 0.74, "Ocean": 0.68},
    "mountains": {"Mountain": 0.82, "Highland": 0.74, "Steppe": 0.72, "Grazing": 0.68},
}

PORTRAIT_WORDS: Final[Weighted] = {"Close-up": 0.84, "Portrait photography": 0.6, "Head": 0.77}
STANDING_WORDS: Final[Weighted] = {"Photography": 0.63, "Adaptation": 0.59}

STRANGER_WORDS: Final[Weighted] = {
    "Photography": 0.84,
    "Sky": 0.8,
    "Photograph": 0.79,
    "Art": 0.74,
    "Pattern": 0.72,
    "Darkness": 0.7,
    "Font": 0.66,
    "Architecture": 0.64,
    "Tree": 0.63,
    "Vehicle": 0.61,
}

KNOWN_MIDS: Final[Mapping[str, str]] = {
    "Dog": "/m/0bt9lr",
    "Cat": "/m/01yrx",
    "Bird": "/m/015p6",
    "Mammal": "/m/04rky",
    "Vertebrate": "/m/09686",
    "Wildlife": "/m/01280g",
    "Nature": "/m/05h0n",
    "Butterfly": "/m/0cyf8",
    "Flower": "/m/0c9ph5",
    "Plant": "/m/05s2s",
    "Insect": "/m/03vt0",
    "Horse": "/m/03k3r",
    "Water": "/m/0838f",
    "Sky": "/m/01bqvp",
    "Tree": "/m/07j7r",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One entry of `labelAnnotations`; `mid` is None for words without an entity."""

    description: str
    mid: str | None
    score: float
    topicality: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeSearch:
    """Vision's likelihoods, from VERY_UNLIKELY to VERY_LIKELY."""

    adult: str = "VERY_UNLIKELY"
    spoof: str = "VERY_UNLIKELY"
    medical: str = "VERY_UNLIKELY"
    violence: str = "VERY_UNLIKELY"
    racy: str = "VERY_UNLIKELY"


TAKEN_FOR_RACY: Final = SafeSearch(racy="LIKELY")
"""Wrongly: what is drawn here is harmless."""


def labels_for(scene: Scene, chance: random.Random) -> tuple[Label, ...]:
    """What Vision sees in one photo of a scene, best first; the photo's own chance shades it."""
    words: dict[str, float] = {}
    for source in _sources(scene):
        for word, strength in source.items():
            words[word] = max(strength, words.get(word, 0.0))
    return _scored(words, chance)


def labels_for_stranger(chance: random.Random) -> tuple[Label, ...]:
    """What Vision sees in a picture that this world did not draw."""
    words = chance.sample(sorted(STRANGER_WORDS), k=chance.randint(3, 7))
    return _scored({word: STRANGER_WORDS[word] for word in words}, chance)


def safe_search_for(chance: random.Random) -> SafeSearch:
    """Animals are harmless, and Vision is now and then not quite sure of it."""
    return SafeSearch(
        spoof=chance.choice(("VERY_UNLIKELY", "VERY_UNLIKELY", "UNLIKELY")),
        medical=chance.choice(("VERY_UNLIKELY", "UNLIKELY")),
        violence=chance.choice(("VERY_UNLIKELY", "VERY_UNLIKELY", "VERY_UNLIKELY", "UNLIKELY")),
        racy=chance.choice(("VERY_UNLIKELY", "VERY_UNLIKELY", "VERY_UNLIKELY", "POSSIBLE")),
    )


def mid_of(description: str) -> str | None:
    """The entity id of a word: the real one where it is known, else made up and steady."""
    if description in KNOWN_MIDS:
        return KNOWN_MIDS[description]
    digest = hashlib.blake2b(description.encode(), digest_size=5).digest()
    if digest[0] / 256 < WITHOUT_MID:
        return None
    return "/m/0" + _base32(int.from_bytes(digest[1:]))


def _base32(number: int) -> str:
    alphabet = "0123456789bcdfghjklmnpqrstvwxyz_"
    return "".join(alphabet[number >> shift & 31] for shift in range(25, -1, -5))


def _sources(scene: Scene) -> Iterator[Weighted]:
    kingdom, words = KINDS[scene.species]
    yield words
    yield KINGDOMS[kingdom]
    yield PLACE_WORDS[scene.place]
    if varieties := VARIETIES.get(scene.species):
        yield varieties[scene.number % len(varieties)]
    yield PORTRAIT_WORDS if scene.pose == PORTRAIT else STANDING_WORDS


def _scored(words: Weighted, chance: random.Random) -> tuple[Label, ...]:
    labels = []
    for word, strength in words.items():
        score = round(strength - chance.randrange(SCORE_LEVELS) * LEVEL_STEP * (1.6 - strength), 7)
        if score < LOWEST_SCORE:
            continue
        topicality = score if chance.random() < 0.8 else round(score * chance.uniform(0.9, 1.0), 7)
        labels.append(Label(description=word, mid=mid_of(word), score=score, topicality=topicality))
    labels.sort(key=lambda label: (-label.score, label.description))
    return tuple(labels[:MAX_LABELS])
