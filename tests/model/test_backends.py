"""The networks under another backend of Keras: the same figures, and a training that learns."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from networks import SIZES, SPEC, random_windows

pytestmark = pytest.mark.tf

#: Loads the models of a folder, compares them with their NumPy twins, trains a small one.
SCRIPT = '''
import json, sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import keras
import numpy as np
from keras import ops
import small_training as t
from networks import random_windows
from qbdi_m21.model import presets
from qbdi_m21.model.store import load_keras, load_model, save_model
from qbdi_m21.model.training import train

folder, found = Path(sys.argv[1]), {'backend': keras.backend.backend()}
for path in sorted(folder.glob('*.keras')):
    model, twin, windows = load_keras(path), load_model(path), random_windows(20)
    cells = windows.astype('float32')
    mean, log_variance = (ops.convert_to_numpy(x) for x in model.encode(cells))
    logits = ops.convert_to_numpy(model.cell_logits(ops.convert_to_tensor(mean), cells))
    ours, variance = twin.encode(windows)
    def chances(x):
        return 1 / (1 + np.exp(-x.astype(float)))
    found[path.stem] = [float(np.abs(a - b).max()) for a, b in (
        (ours, mean), (variance, np.exp(log_variance)),
        (chances(twin.cell_logits(mean, windows)), chances(logits)))]

# batches of one size: JAX compiles each size anew
presets.PRESETS['small'] = replace(t.SMALL['context'], batch=20)
model, served = train(t.make_data(), 'small', updates=40, seed=1,
                      checkpoint=folder / 'x.checkpoint')
found['updates'] = float(ops.convert_to_numpy(model.update_count))
found['card'] = served.card
save_model(model, folder / 'trained.keras')
print(json.dumps(found))
'''


@pytest.mark.parametrize('backend', ['jax', 'torch'])
def test_models_cross_to_another_backend_and_back(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f'{backend} is not installed')
    from qbdi_m21.model.store import load_keras, load_model, save_model
    from qbdi_m21.model.training import NETWORKS
    for name, network in NETWORKS.items():
        model = network(SPEC.to_json(), SIZES[name], seed=3)
        model.build()
        save_model(model, tmp_path / f'{name}.keras')
    # JAX's compiler takes longer than what it compiles here
    chosen = {'KERAS_BACKEND': backend, 'JAX_DISABLE_MOST_OPTIMIZATIONS': '1',
              'JAX_PLATFORMS': 'cpu', 'TF_CPP_MIN_LOG_LEVEL': '3'}
    done = subprocess.run(
        [sys.executable, '-c', SCRIPT, str(tmp_path), str(Path(__file__).resolve().parents[1])],
        capture_output=True, text=True, check=False, env={**os.environ, **chosen})
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found['backend'] == found['card']['backend'] == backend
    for name in NETWORKS:
        assert max(found[name]) < 1e-5, name
    assert found['updates'] == found['card']['updates'] == 40
    first, last = (row[1] + row[2] for row in found['card']['curve'])
    assert last < 0.9 * first
    assert (tmp_path / 'x.checkpoint').is_file()
    # what was trained there is loaded here, and says the same
    model, twin = (load(tmp_path / 'trained.keras') for load in (load_keras, load_model))
    windows = random_windows(10, twin.spec)
    mean, _ = model.encode(windows.astype('float32'))
    np.testing.assert_allclose(twin.encode(windows)[0], mean.numpy(), atol=1e-5)
    assert twin.card == found['card']
