"""How each network is usually trained, and how small a face it takes. No Keras here: the command line reads it, too."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings of a network where the command line names no others."""

    size: int = 48
    """Side of the input in px."""
    least: int = 8
    """The smallest size that is left of a pixel after all strides, or that the library builds."""
    multiple: int = 1
    """The size is a multiple of it."""
    optimizer: str = "adamw"
    learning_rate: float = 1.4e-3
    batch: int = 128
    source: str = "measured here"
    """Who gives these settings, and what of them is not theirs."""


_OURS: Final = "the literature gives none; ours"

RECIPES: Final[dict[str, Recipe]] = {
    "default": Recipe(multiple=16),
    "attentive": Recipe(multiple=8),
    "small": Recipe(multiple=8),
    "lenet": Recipe(
        least=16,
        optimizer="sgd",
        learning_rate=0.01,
        source="LeCun et al. 1998: stochastic gradient; rate and batch ours",
    ),
    "alexnet": Recipe(
        size=96, least=32, optimizer="sgd", learning_rate=0.01, batch=128, source="Krizhevsky et al. 2012, section 5"
    ),
    "vgg16": Recipe(
        least=32, optimizer="sgd", learning_rate=0.01, batch=256, source="Simonyan and Zisserman 2015, section 3.1"
    ),
    "resnet34": Recipe(least=32, optimizer="sgd", learning_rate=0.1, batch=256, source="He et al. 2016, section 3.4"),
    "resnet50": Recipe(least=32, optimizer="sgd", learning_rate=0.1, batch=256, source="He et al. 2016, section 3.4"),
    "inceptionv3": Recipe(
        size=96,
        least=75,
        optimizer="adam",
        learning_rate=1e-3,
        batch=32,
        source="Szegedy et al. 2016, section 8: RMSProp at 0.045, batch 32 on each of 50 machines; Adam at 0.001 is ours",
    ),
    "xception": Recipe(
        size=96,
        least=71,
        optimizer="sgd",
        learning_rate=0.045,
        batch=32,
        source="Chollet 2017, section 4.3 (ImageNet); the batch is ours",
    ),
    "mobilenet": Recipe(
        least=32,
        optimizer="adam",
        learning_rate=1e-3,
        source="Howard et al. 2017: RMSProp; Adam, rate and batch are ours",
    ),
    "efficientnet-lite0": Recipe(
        least=32, optimizer="adam", learning_rate=1e-3, source="Tan and Le 2019: RMSProp; Adam, rate and batch are ours"
    ),
    "xception-resnet50v2": Recipe(
        size=96,
        least=71,
        optimizer="adam",
        learning_rate=1e-4,
        batch=30,
        source="Rahimzadeh and Attar 2020: Nadam at 0.0001, batch 30; Adam is ours",
    ),
    "deep-cnn": Recipe(
        least=16, optimizer="sgd", learning_rate=0.01, source="SGD is the literature's; rate and batch ours"
    ),
    "model-a": Recipe(least=16, optimizer="adam", learning_rate=1e-3, source=_OURS),
    "model-b": Recipe(
        least=16, optimizer="sgd", learning_rate=1e-3, source="SGD at 0.001 is the literature's; the batch is ours"
    ),
    "model-c": Recipe(least=16, optimizer="adam", learning_rate=1e-3, source=_OURS),
}
"""By the names of models.networks.NETWORKS."""


def recipe_of(net: str) -> Recipe:
    """The recipe of a network; the usual one where it has none of its own."""
    return RECIPES.get(net, Recipe())
