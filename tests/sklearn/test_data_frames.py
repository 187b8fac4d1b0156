"""Data frames as rows: the names of their columns."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from sklearn import datasets
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = datasets.load_digits(return_X_y=True)
X, Y = X[:500], Y[:500]
SHORT = {"random_state": 0, "max_iter": 12, "hidden_layer_sizes": (20,), "learning_rate_init": 0.01}


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames_have_their_columns_checked(library):
    module = pytest.importorskip(library, reason=f"needs {library}")
    names = [f"pixel {i}" for i in range(64)]
    frame = module.DataFrame(dict(zip(names, X.T, strict=True)))
    model = MLPClassifier(early_stopping=True, **SHORT).fit(frame, module.Series(Y))
    assert list(model.feature_names_in_) == names and model.n_features_in_ == 64
    assert np.array_equal(model.predict(frame), MLPClassifier(early_stopping=True, **SHORT).fit(X, Y).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[names[::-1]])
    scaled = make_pipeline(StandardScaler().set_output(transform=library), MLPRegressor(**SHORT)).fit(frame, Y)
    assert list(scaled[-1].feature_names_in_) == names
