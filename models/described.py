"""A network of a user's own, and what must be known of it: my.keras.json beside my.keras, my.h5.json beside my.h5.

    {"classes": ["angry", "happy", "contempt"], "mean": 127.5, "std": 127.5, "normalised": "mean-std"}

`mean` and `std`, numbers or lists by channel, are taken from the grey levels 0..255 before the network sees them; left
out, it sees them as they are. `normalised` (models.levels) is what is done to each face before that. A network of three channels gets the same gray three times.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from analytics.paths import is_file
from analytics.schema import why_no_classes
from models.levels import NORMALISED, levels_of

_HALF: Final = ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
_LIKE_THIS = 'write it like {"classes": ["angry", "happy"], "mean": 127.5, "std": 127.5}'


@dataclass(frozen=True)
class Description:
    """What a network gives and takes."""

    classes: tuple[str, ...] = EXPRESSIONS
    mean: tuple[float, ...] = (0.0,)
    """By channel, or one for all."""
    std: tuple[float, ...] = (1.0,)
    normalised: str = ""
    """What is done to the grey levels of each face first, one of models.levels.NORMALISED; empty where nothing is."""


def description_path(network: Path) -> Path:
    """Where the description of a network lies: not where the facts of its .tflite file would."""
    return network.with_name(f"{network.name}.json")


def description_of(network: Path) -> Description:
    """What the file beside a network says; without one it gives the seven expressions and takes 0..255.

    Raises:
        UsageError: the file is no such description.
    """
    path = description_path(network)
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Description()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({error})", _LIKE_THIS) from None
    if not isinstance(read, dict) or (foreign := set(read) - {"classes", "mean", "std", "normalised"}):
        what = f"'{min(foreign)}' in it is unknown" if isinstance(read, dict) else "it is no object"
        raise UsageError(f"{path}: describes no network: {what}", _LIKE_THIS)
    classes = read.get("classes", list(EXPRESSIONS))
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise UsageError(f"{path}: 'classes' is no list of names", _LIKE_THIS)
    if why := why_no_classes(classes):
        raise UsageError(f"{path}: has {why}", _LIKE_THIS)
    normalised = read.get("normalised", "")
    if normalised not in ("", *NORMALISED):
        raise UsageError(f"{path}: 'normalised' is {normalised!r:.40}", f"give one of: {', '.join(NORMALISED)}")
    mean, std = _numbers(path, read, "mean", 0.0), _numbers(path, read, "std", 1.0)
    return Description(tuple(classes), mean, std, normalised)


def write_description(network: Path, description: Description) -> None:
    """Write the classes and the normalisation of a network beside it, where they are not the usual ones."""
    told: dict[str, Any] = {} if description.classes == EXPRESSIONS else {"classes": description.classes}
    told |= {"normalised": description.normalised} if description.normalised else {}
    if told:
        description_path(network).write_text(json.dumps(told) + "\n", encoding="utf-8")


def _numbers(path: Path, read: dict[str, Any], name: str, usual: float) -> tuple[float, ...]:
    given = read.get(name, usual)
    numbers = given if isinstance(given, list) else [given]
    fits = all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
    if not fits or len(numbers) not in (1, 3) or (name == "std" and min(numbers) <= 0):
        raise UsageError(f"{path}: '{name}' is {given!r:.40}", "give a number, or three; std above 0")
    return tuple(float(number) for number in numbers)


def read_network(network: Path) -> keras.Model:
    """A network as it is in its file, as a graph of layers that is computed in float32, whatever it was saved as.

    Raises:
        UsageError: no such network, one that Keras cannot load, or one without the shape of what it takes.
    """
    if not is_file(network):
        raise UsageError(f"{network}: no such network", "name the .keras or .h5 file that training made")
    try:
        model = _in_float32(keras.models.load_model(network, compile=False))
    except Exception as error:  # noqa: BLE001 What foreign files make Keras raise is no closed list.
        if "`Lambda`" in str(error):
            problem = f"{network}: has a Lambda layer, whose code could do anything, so it is not run"
            remedy = "put a layer of Keras in its place (Rescaling, Normalization), and save it again"
            raise UsageError(problem, remedy) from None
        problem = f"{network}: Keras cannot load it ({str(error).splitlines()[0][:200] if str(error) else type(error).__name__})"
        raise UsageError(problem, "load it where it was made, and save it as .keras") from None
    if not getattr(model, "inputs", None):
        problem = f"{network}: does not say which pictures it takes: it is no Sequential with an Input, and no graph of layers"
        raise UsageError(
            problem, "make it one where it was made: keras.Model(picture, network(picture)), and save it again"
        )
    return _as_graph(model) if isinstance(model, keras.Sequential) else model


def _as_graph(model: keras.Sequential) -> keras.Model:
    """The same layers anew: those of a Sequential that was loaded do not say what they give in it."""
    like: keras.Model = keras.models.clone_model(keras.Model(model.inputs[0], model.outputs[0], name=model.name))
    like.set_weights(model.get_weights())
    return like


def _in_float32(model: keras.Model) -> keras.Model:
    """The network itself, or its like in float32: half precision saves time in training, and cannot be converted."""
    told = keras.saving.serialize_keras_object(model)
    if not any(repr(half) in str(told) for half in _HALF):
        return model
    like: keras.Model = keras.saving.deserialize_keras_object(_all_float32(told))
    like.set_weights([np.asarray(weight, np.float32) for weight in model.get_weights()])
    return like


def _all_float32(told: Any) -> Any:
    """What Keras writes of a network, with each type of numbers that is shorter than float32 replaced by it."""
    if isinstance(told, dict):
        return {name: _all_float32(value) for name, value in told.items()}
    if isinstance(told, list | tuple):
        return type(told)(map(_all_float32, told))
    return "float32" if isinstance(told, str) and told in _HALF else told


def load_network(network: Path, description: Description) -> keras.Model:
    """A network that takes one gray face, (batch, size, size, 1) in 0..255, whatever it was trained to take.

    Raises:
        UsageError: no such network, one that Keras cannot load, or one of another shape than a classifier's.
    """
    model = read_network(network)
    taken = model.input_shape
    if not isinstance(taken, tuple) or len(taken) != 4 or taken[1] is None or taken[1] != taken[2]:
        raise UsageError(f"{network}: takes {taken}", "give it one square picture, (batch, size, size, channels)")
    if taken[3] not in (1, 3):
        raise UsageError(f"{network}: takes {taken[3]} channels", "train it on gray or colour pictures")
    given = {
        output.shape[-1] for output in (model.output.values() if isinstance(model.output, dict) else [model.output])
    }
    if given != {len(description.classes)}:
        names = ", ".join(description.classes)
        remedy = f"name its classes in {description_path(network)}"
        raise UsageError(
            f"{network}: gives {min(given)} probabilities, not {len(description.classes)} ({names})", remedy
        )
    if taken[3] == 1 and (description.mean, description.std) == ((0.0,), (1.0,)):
        return model
    gray = keras.layers.Input((taken[1], taken[1], 1), name="gray")
    seen = keras.layers.Concatenate()([gray] * 3) if taken[3] == 3 else gray
    scale, shift = _by_channel(description, taken[3])
    return keras.Model(gray, model(keras.layers.Rescaling(scale, offset=shift)(seen)), name=model.name)


def _by_channel(description: Description, channels: int) -> tuple[list[float], list[float]]:
    means, stds = ((values * channels)[:channels] for values in (description.mean, description.std))
    return [1 / std for std in stds], [-mean / std for mean, std in zip(means, stds, strict=True)]


def as_taken(crops: NDArray[np.uint8], description: Description, channels: int) -> NDArray[np.float32]:
    """Gray faces, uint8 (n, size, size), as a network takes them that is as it is in its file: (n, size, size, channels)."""
    gray = levels_of(description.normalised, False)(crops[..., None].astype(np.float32))
    mean, std = (np.array(one, np.float32) for one in (description.mean, description.std))
    return np.asarray((np.repeat(gray, channels, axis=3) - mean) / std, np.float32)
