"""Images of digits: a dense network against networks whose weights are local and shared."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from sklearn.datasets import load_digits

import qvar

SIDE, CLASSES = 8, 10
"""Pixels of an image's side, and digits."""

HIDDEN = (8, 16, 32, 64, 128)
"""Units of the dense networks' hidden layer."""


class Stack(eqx.Module):
    """Layers one after another on an image (8, 8); a list of layers is added to its input (He et al. 2016)."""

    layers: list

    def __call__(self, image):
        """Return ten numbers, the largest at the likely digit."""
        x = image[None]
        for layer in self.layers:
            x = x + run(layer, x) if isinstance(layer, list) else layer(x)
        return x


def run(layers, x):
    """Apply layers one after another."""
    for layer in layers:
        x = layer(x)
    return x


def dense(hidden: int, key):
    """A layer of hidden units, each of which sees all pixels."""
    first, last = jax.random.split(key)
    relu = eqx.nn.Lambda(jax.nn.relu)
    return Stack([jnp.ravel, eqx.nn.Linear(SIDE**2, hidden, key=first), relu, eqx.nn.Linear(hidden, CLASSES, key=last)])


def convolutional(block, channels: int, key):
    """A first convolution, halving of the image, the layers of a block, and a dense layer on averages of quarters."""
    first, middle, last = jax.random.split(key, 3)
    start = [window(1, channels, 3, first), jax.nn.relu, eqx.nn.MaxPool2d(2, 2)]
    end = [eqx.nn.AvgPool2d(2, 2), jnp.ravel, eqx.nn.Linear(4 * channels, CLASSES, key=last)]
    return Stack([*start, *block(channels, middle), *end])


def window(inside: int, out: int, k: int, key, groups: int = 1):
    """Convolution with a k by k window that keeps the size of the image."""
    return eqx.nn.Conv2d(inside, out, k, padding=k // 2, groups=groups, use_bias=False, key=key)


def one_window(k: int, channels: int, key):
    """Convolution: the same weights at every place (LeCun et al. 1998)."""
    return [window(channels, channels, k, key), jax.nn.relu]


def two_windows(channels: int, key):
    """Two 3x3 windows see as far as one of 5x5: 18 C^2 weights in place of 25 C^2 (Simonyan, Zisserman 2015)."""
    first, last = jax.random.split(key)
    return [window(channels, channels, 3, first), jax.nn.relu, window(channels, channels, 3, last), jax.nn.relu]


def separable(channels: int, key):
    """One window for each channel, then a mixture of channels: 1/N + 1/K^2 of the weights (Howard et al. 2017)."""
    first, last = jax.random.split(key)
    return [
        window(channels, channels, 3, first, channels),
        jax.nn.relu,
        window(channels, channels, 1, last),
        jax.nn.relu,
    ]


def bottleneck(channels: int, key):
    """Fewer channels, a 3x3 window, all channels: 69,632 of 589,824 weights for 256 channels (He et al. 2016)."""
    keys, inner = jax.random.split(key, 3), channels // 4
    shapes = ((channels, inner, 1), (inner, inner, 3), (inner, channels, 1))
    parts = [window(*shape, key=one) for shape, one in zip(shapes, keys, strict=True)]
    return [[parts[0], jax.nn.relu, parts[1], jax.nn.relu, parts[2]], jax.nn.relu]


BLOCKS = {
    "convolution 3x3": partial(one_window, 3),
    "convolution 5x5": partial(one_window, 5),
    "two 3x3 for one 5x5": two_windows,
    "depthwise separable": separable,
    "bottleneck": bottleneck,
}
"""Middle parts of the convolutional networks."""

PAPERS = ("alpaydin1998", "lecun1998", "simonyan2015", "howard2017", "he2016")
"""Keys of the papers on the data and the networks."""


def case(
    sizes: tuple[int, ...] = (),
    channels: int = 16,
    steps: int | None = None,
    seeds: int | None = None,
    quick: bool = False,
) -> qvar.Learning:
    """Trains networks to read digits: dense ones, and convolutional ones, which are constrained.

    A convolution looks at small windows and has the same weights at every place: what a stroke is does not depend on
    where it is. The data are the 1,797 images of scikit-learn (UCI, Alpaydin and Kaynak 1998), 360 of which are set
    aside for the test, drawn for each seed. LeCun et al. 1998, https://doi.org/10.1109/5.726791; Simonyan and
    Zisserman 2015, https://arxiv.org/abs/1409.1556; Howard et al. 2017, https://arxiv.org/abs/1704.04861; He et al.
    2016, https://arxiv.org/abs/1512.03385.

    Args:
        sizes: Numbers of training examples; 100 and 1437 if not given, 200 with quick.
        channels: Channels of the convolutional networks, a multiple of 4.
        steps: Steps of each training, of 32 images each.
        seeds: Trainings of each network; 8 if not given, 3 with quick.
        quick: Fewer steps, seeds and networks: within twenty seconds.
    """
    qvar.require(channels >= 4 and channels % 4 == 0, "channels", "be a multiple of 4", channels)
    hidden = (8, 32) if quick else HIDDEN
    blocks = {name: BLOCKS[name] for name in ("convolution 3x3", "depthwise separable")} if quick else BLOCKS
    learners = [qvar.Learner(f"dense {n}", "generic", partial(dense, n), series="dense") for n in hidden]
    for name, block in blocks.items():
        make = partial(convolutional, block, channels)
        learners.append(qvar.Learner(name, "constrained", make, citations=PAPERS))
    images, classes = load_digits(return_X_y=True)
    return qvar.Learning(
        learners,
        qvar.Examples.splits(images.reshape(-1, SIDE, SIDE) / 16.0, classes, n_test=360),
        sizes=sizes or ((200,) if quick else (100, 1437)),
        steps=steps or (150 if quick else 400),
        seeds=seeds or (3 if quick else 8),
        transform=optax.adam(1e-2),
    )


if __name__ == "__main__":
    qvar.launch(case)
