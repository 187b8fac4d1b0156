"""Tables of summaries, to the letter as Keras 3.15 prints them."""

from tests.programs import keras, layers


def text(model, **arguments):
    """What a summary prints, without the blank lines around it."""
    printed = []
    model.summary(print_fn=printed.append, **{"line_length": 76, **arguments})
    return "\n".join(line.rstrip() for line in "\n".join(printed).strip("\n").split("\n"))


SHARED = """\
Model: "siamese"
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ a (InputLayer)      │ (None, 3)         │          0 │ -                 │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ b (InputLayer)      │ (None, 3)         │          0 │ -                 │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ tower (Sequential)  │ (None, 2)         │         26 │ a[0][0], b[0][0]  │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ apart (Subtract)    │ (None, 2)         │          0 │ tower[0][0],      │
│                     │                   │            │ tower[1][0]       │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ value (Dense)       │ (None, 1)         │          3 │ apart[0][0]       │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ kind (Dense)        │ (None, 300)       │        900 │ apart[0][0]       │
└─────────────────────┴───────────────────┴────────────┴───────────────────┘
 Total params: 929 (3.63 KB)
 Trainable params: 929 (3.63 KB)
 Non-trainable params: 0 (0.00 B)"""

FROZEN = """\
Model: "whole"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ encoder (Sequential)            │ (None, 3)              │            15 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│    └ code (Dense)               │ (None, 3)              │            15 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ last (Dense)                    │ (None, 2)              │             8 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 23 (92.00 B)
 Trainable params: 8 (32.00 B)
 Non-trainable params: 15 (60.00 B)"""

RESIDUAL = """\
Model: "residual"
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ inputs (InputLayer) │ (None, 4)         │          0 │ -                 │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ a_name_that_is_muc… │ (None, 4)         │         20 │ inputs[0][0]      │
│ (Dense)             │                   │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ sum (Add)           │ (None, 4)         │          0 │ inputs[0][0],     │
│                     │                   │            │ a_name_that_is_m… │
└─────────────────────┴───────────────────┴────────────┴───────────────────┘
 Total params: 20 (80.00 B)
 Trainable params: 20 (80.00 B)
 Non-trainable params: 0 (0.00 B)"""

EMBEDDED = """\
Model: "prices"
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ codes (InputLayer)  │ (None, 2)         │          0 │ -                 │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ table (Embedding)   │ (None, 2, 400)    │      3,600 │ codes[0][0]       │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ numbers             │ (None, 3)         │          0 │ -                 │
│ (InputLayer)        │                   │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ flat (Flatten)      │ (None, 800)       │          0 │ table[0][0]       │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ joined              │ (None, 803)       │          0 │ numbers[0][0],    │
│ (Concatenate)       │                   │            │ flat[0][0]        │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ price (Dense)       │ (None, 1)         │        804 │ joined[0][0]      │
└─────────────────────┴───────────────────┴────────────┴───────────────────┘
 Total params: 4,404 (17.20 KB)
 Trainable params: 4,404 (17.20 KB)
 Non-trainable params: 0 (0.00 B)"""

ROW = """\
Model: "row"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ inputs (InputLayer)             │ (None, 4)              │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ hidden (Dense)                  │ (None, 20)             │           100 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ norm (BatchNormalization)       │ (None, 20)             │            80 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ last (Dense)                    │ (None, 2)              │            42 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 222 (888.00 B)
 Trainable params: 182 (728.00 B)
 Non-trainable params: 40 (160.00 B)"""

UNBUILT = """\
Model: "unbuilt"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ last (Dense)                    │ ?                      │   0 (unbuilt) │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 0 (0.00 B)
 Trainable params: 0 (0.00 B)
 Non-trainable params: 0 (0.00 B)"""


def test_a_model_called_twice_and_two_outputs():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    tower = keras.Sequential([layers.Dense(4, name="one"), layers.Dense(2, name="two")], name="tower")
    tower.build((None, 3))
    apart = layers.Subtract(name="apart")([tower(a), tower(b)])
    heads = [layers.Dense(1, name="value")(apart), layers.Dense(300, name="kind")(apart)]
    model = keras.Model([a, b], heads, name="siamese")
    assert text(model) == SHARED


def test_layers_of_a_frozen_model_in_another():
    encoder = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="code")], name="encoder")
    encoder.trainable = False
    model = keras.Sequential([keras.Input((4,)), encoder, layers.Dense(2, name="last")], name="whole")
    assert text(model, expand_nested=True) == FROZEN


def test_cells_that_are_too_long():
    inputs = keras.Input((4,), name="inputs")
    first = layers.Dense(4, name="a_name_that_is_much_too_long_for_it")
    model = keras.Model(inputs, layers.add([inputs, first(inputs)], name="sum"), name="residual")
    assert text(model) == RESIDUAL


def test_numbers_beside_categories():
    codes, numbers = keras.Input((2,), name="codes", dtype="int32"), keras.Input((3,), name="numbers")
    vectors = layers.Flatten(name="flat")(layers.Embedding(9, 400, name="table")(codes))
    joined = layers.Concatenate(name="joined")([numbers, vectors])
    model = keras.Model([numbers, codes], layers.Dense(1, name="price")(joined), name="prices")
    assert text(model) == EMBEDDED


def test_a_functional_row_has_no_connections():
    inputs = keras.Input((4,), name="inputs")
    h = layers.BatchNormalization(name="norm")(layers.Dense(20, name="hidden")(inputs))
    model = keras.Model(inputs, layers.Dense(2, name="last")(h), name="row")
    assert text(model) == ROW


def test_a_model_that_is_not_built():
    model = keras.Sequential([layers.Dense(2, name="last")], name="unbuilt")
    assert text(model) == UNBUILT
