"""An autoencoder: digits through a code of two numbers and back, and the encoder and the decoder taken out of it.

Encoder and decoder are models; the autoencoder is one after the other, and training it trains both. Each digit of the
test set has then a place in the plane of the codes, and each point of the plane a picture. G. Hinton and
R. Salakhutdinov, Reducing the dimensionality of data with neural networks, 2006.
"""

import argparse
from pathlib import Path

import numpy as np

import fastmlp as keras
from fastmlp import layers

CODES = 2


def create_models(pixels, seed):
    """Return encoder, decoder, and the two in a row."""
    image = keras.Input((pixels,), name="image")
    hidden = layers.Dense(64, "relu")(layers.Dense(128, "relu")(image))
    encoder = keras.Model(image, layers.Dense(CODES, name="code")(hidden), name="encoder")
    code = keras.Input((CODES,), name="code")
    hidden = layers.Dense(128, "relu")(layers.Dense(64, "relu")(code))
    decoder = keras.Model(code, layers.Dense(pixels, "sigmoid", name="pixels")(hidden), name="decoder")
    autoencoder = keras.Model(image, decoder(encoder(image)), name="autoencoder", seed=seed)
    autoencoder.compile(keras.optimizers.Adam(0.002), "binary_crossentropy")
    return encoder, decoder, autoencoder


def neighbours_agree(codes, labels):
    """How often the nearest other code belongs to the same digit."""
    distances = ((codes[:, None] - codes[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    return float((labels[distances.argmin(axis=1)] == labels).mean())


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the pictures; none are drawn without it")
    options = parser.parse_args(arguments)
    (x_train, _), (x_test, y_test) = keras.datasets.digits.load_data()
    x_train, x_test = (x.reshape(len(x), -1) / 16.0 for x in (x_train, x_test))
    encoder, decoder, autoencoder = create_models(x_train.shape[1], options.seed)
    autoencoder.summary()
    autoencoder.fit(x_train, x_train, 64, options.epochs, verbose=2, validation_data=(x_test, x_test))
    codes = encoder.predict(x_test, verbose=0)
    error = float(np.abs(decoder.predict(codes, verbose=0) - x_test).mean())
    agreement = neighbours_agree(codes, y_test)
    print(f"from {CODES} numbers each pixel is right to {error:.3f}; the nearest code is of the same digit in ", end="")
    print(f"{100 * agreement:.0f} % of the test digits")
    if options.out is not None:
        draw(codes, y_test, decoder, options.out)
    return error, agreement


def draw(codes, labels, decoder, folder):
    """The codes of the test digits in codes.png, and the pictures of a grid of codes in plane.png."""
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(figsize=(6, 6))
    axes.scatter(*codes.T, c=labels, cmap="tab10", s=8)
    for digit in range(10):
        axes.annotate(str(digit), np.median(codes[labels == digit], axis=0), fontsize=16, weight="bold", ha="center")
    axes.set(xlabel="first number", ylabel="second number")
    figure.savefig(folder / "codes.png", dpi=150)
    plt.close(figure)
    low, high = np.percentile(codes, [2, 98], axis=0)
    grid = [[x, y] for y in np.linspace(high[1], low[1], 15) for x in np.linspace(low[0], high[0], 15)]
    pictures = decoder.predict(np.array(grid), verbose=0)
    side = int(np.sqrt(pictures.shape[1]))
    plane = pictures.reshape(15, 15, side, side).transpose(0, 2, 1, 3).reshape(15 * side, 15 * side)
    plt.imsave(folder / "plane.png", np.kron(plane, np.ones((4, 4))), cmap="gray")


if __name__ == "__main__":
    main()
