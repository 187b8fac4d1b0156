"""An actor and a critic: one network with two heads learns to balance a pole on a cart.

The cart is pushed left or right; an episode ends when the pole leans by more than 12 degrees, the cart leaves its 2.4
metres, or 500 steps are done. The physics is that of A. Barto, R. Sutton and C. Anderson, Neuronlike adaptive elements
that can solve difficult learning control problems, 1983. Several carts run side by side. After each 32 steps the actor
learns by policy gradients, weighed by the advantages that the critic's values give, and the critic by the returns:
V. Mnih et al., Asynchronous methods for deep reinforcement learning, 2016.
"""

import argparse
from pathlib import Path

import numpy as np

import fastmlp as keras
from fastmlp import layers

CARTS, STEPS, LONGEST = 16, 32, 500
GAMMA = 0.99  # what the next step's return counts
SCALE = 50  # the critic's values are returns divided by this, so that its errors are no larger than the actor's
GRAVITY, POLE_MASS, MASS, HALF_LENGTH, FORCE, SECONDS = 9.8, 0.1, 1.1, 0.5, 10.0, 0.02


def pushed(states, actions):
    """States [carts, 4] (place, speed, angle, angular speed) a step after pushes to the left, 0, or the right, 1."""
    _, speed, angle, turning = states.T
    force = np.where(actions == 1, FORCE, -FORCE)
    sine, cosine = np.sin(angle), np.cos(angle)
    push = (force + POLE_MASS * HALF_LENGTH * turning**2 * sine) / MASS
    turns = (GRAVITY * sine - cosine * push) / (HALF_LENGTH * (4 / 3 - POLE_MASS * cosine**2 / MASS))
    moves = push - POLE_MASS * HALF_LENGTH * turns * cosine / MASS
    return states + SECONDS * np.stack([speed, moves, turning, turns], axis=1)


def has_fallen(states):
    return (np.abs(states[:, 0]) > 2.4) | (np.abs(states[:, 2]) > np.radians(12))


def policy_loss(weighed_actions, probabilities):
    """-sum_j a_j log p_j of each row, a the one-hot action times its advantage, and the gradient of the mean."""
    p = np.maximum(probabilities, 1e-6)
    return -(weighed_actions * np.log(p)).sum(axis=1), -weighed_actions / p / len(p)


def create_model(seed):
    """A hidden layer, and on it the actor, with a probability for each action, and the critic, with a value."""
    states = keras.Input((4,), name="states")
    hidden = layers.Dense(64, "tanh")(states)
    actor = layers.Dense(2, "softmax", name="actor")(hidden)
    critic = layers.Dense(1, name="critic")(layers.Dense(64, "tanh")(states))
    model = keras.Model(states, [actor, critic], seed=seed)
    losses = {"actor": policy_loss, "critic": "mse"}
    model.compile(keras.optimizers.Adam(0.005), losses, loss_weights={"actor": 1.0, "critic": 0.5})
    return model


class Carts:
    """Carts side by side; one that has fallen, or is done, begins anew."""

    def __init__(self, generator):
        self.generator = generator
        self.states = generator.uniform(-0.05, 0.05, (CARTS, 4))
        self.ages = np.zeros(CARTS, int)
        self.lengths = []  # of the episodes that have ended

    def step(self, actions):
        """Push the carts; return the states that they came to, and which of them have fallen, and have ended."""
        reached = pushed(self.states, actions)
        self.ages += 1
        fallen = has_fallen(reached)
        ended = fallen | (self.ages >= LONGEST)
        self.lengths += self.ages[ended].tolist()
        self.ages[ended] = 0
        fresh = self.generator.uniform(-0.05, 0.05, (CARTS, 4))
        self.states = np.where(ended[:, None], fresh, reached)
        return reached, fallen, ended


def train(updates, seed):
    """Return the model and the lengths of all episodes."""
    model, generator = create_model(seed), np.random.default_rng(seed)
    carts = Carts(generator)
    for _ in range(updates):
        states, actions, ends, after = [], [], [], []
        for _ in range(STEPS):
            probabilities, _ = model(carts.states)
            chosen = (generator.random(CARTS) < probabilities[:, 1]).astype(int)
            states.append(carts.states)
            reached, fallen, ended = carts.step(chosen)
            actions.append(chosen)
            ends.append(ended)
            after.append(np.where(fallen[:, None], np.nan, reached))
        learn(model, np.array(states), np.array(actions), np.array(ends), np.array(after))
    return model, carts.lengths


def learn(model, states, actions, ends, after):
    """One update by steps [STEPS, CARTS]; `after` has NaN where a pole has fallen, whose return is 0 from there on."""
    fallen = np.isnan(after[:, :, 0])
    values = model(np.where(fallen[:, :, None], 0, after).reshape(-1, 4))[1].reshape(fallen.shape)
    values = np.where(fallen, 0, SCALE * values)
    returns, following = np.empty_like(values), values[-1]
    for t in reversed(range(STEPS)):
        following = 1 + GAMMA * np.where(ends[t], values[t], following)
        returns[t] = following
    flat = states.reshape(-1, 4)
    targets = returns.reshape(-1, 1) / SCALE
    advantages = targets - model(flat)[1]
    # 0.1: once the critic is right, what is left is noise, which should not count as much as before
    advantages = (advantages - advantages.mean()) / (advantages.std() + 0.1)
    model.train_on_batch(flat, {"actor": np.eye(2)[actions.reshape(-1)] * advantages, "critic": targets})


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the picture; none is drawn without it")
    options = parser.parse_args(arguments)
    _, lengths = train(options.updates, options.seed)
    first, last = np.mean(lengths[:50]), np.mean(lengths[-50:])
    print(f"{len(lengths)} episodes: {first:.0f} steps on average in the first 50, {last:.0f} in the last 50")
    if options.out is not None:
        draw(lengths, options.out)
    return first, last


def draw(lengths, folder):
    """The length of each episode, and the mean of 50, in balanced_steps.png."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(lengths, ".", markersize=2, label="an episode")
    axes.plot(np.arange(49, len(lengths)), np.convolve(lengths, np.ones(50) / 50, "valid"), label="mean of 50")
    axes.set(xlabel="episode", ylabel="steps balanced")
    axes.legend()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "balanced_steps.png", dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main()
