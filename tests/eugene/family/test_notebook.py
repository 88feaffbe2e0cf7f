"""Cells as EUGENe's notebooks had them, run one after another and unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import pytest

matplotlib.use("Agg")

CELLS = {
    "imports": """
import numpy as np, torch, xarray as xr
import eugene as eu, seqdata as sd, seqpro as sp, seqexplainer as se, seqdatasets, motifdata
from eugene import preprocess as pp
from eugene.models import zoo
from eugene.models.base._blocks import DenseBlock
""",
    "versions": "versions = [m.__version__ for m in (eu, sd, sp, se, seqdatasets, motifdata)]",
    "settings": """
eu.settings.gpus = 0
eu.settings.batch_size = 32
eu.settings.dl_num_workers = 0
eu.settings.dl_pin_memory_gpu_training = False
eu.settings.verbosity = 1
eu.settings.logging_dir = "logs"
""",
    "what there is": "info = seqdatasets.get_dataset_info()",
    "load": "sdata = seqdatasets.random1000().isel(_sequence=slice(0, 60)).load()",
    "ids": "pp.make_unique_ids_sdata(sdata, 'id', False)",
    "encode": "pp.ohe_seqs_sdata(sdata, 'DNA', 'seq', 'ohe_seq', 0, False)",
    "split": "pp.train_test_random_split(sdata, '_sequence', 'train_val', test_size=0.2)",
    "clamp": "pp.clamp_targets_sdata(sdata, ['activity_0'], 0.95, 'train_val')",
    "scale": "pp.scale_targets_sdata(sdata, ['activity_0'], 'train_val')",
    "block": "DenseBlock(8, 2, [4], 'relu', 0.1, True)",
    "model": """
arch = zoo.DeepBind(100, 1, {'conv_channels': [4], 'conv_kernels': [8]}, {}, 'rbp')
model = eu.models.SequenceModule(arch, 'regression', 'mse', optimizer_lr=1e-3, metric='r2score',
                                 metric_kwargs={}, arch_name='DeepBind', model_name='m')
eu.models.init_weights(model)
""",
    "summary": "model.summary(); assert model.task == 'regression'; model.optimizer_lr",
    "fit": """
eu.train.fit_sequence_module(
    model=model, sdata=sdata, seq_var='ohe_seq', target_vars=['activity_0'], in_memory=True,
    train_var='train_val', epochs=1, batch_size=32, num_workers=0, prefetch_factor=None,
    transforms={'ohe_seq': lambda x: x.swapaxes(1, 2)}, drop_last=False, name='m', version='v')
""",
    "predict": """
eu.evaluate.train_val_predictions_sequence_module(
    model, sdata=sdata, seq_var='ohe_seq', target_vars='activity_0', train_var='train_val',
    in_memory=True, transforms={'ohe_seq': lambda x: x.swapaxes(1, 2)}, suffix='_train')
eu.evaluate.predictions_sequence_module(model, sdata=sdata, seq_var='ohe_seq',
                                        target_vars='activity_0')
""",
    "figures": """
y, p = sdata['activity_0'].values[:, None], sdata['activity_0_predictions'].values[:, None]
mse, r, rho = eu.evaluate.evaluate_model(y, p, 'regression', False)
""",
    "curves": "eu.plot.training_summary('logs/m/v', metric='r2', figsize=(8, 3), save='s.png')",
    "scatter": """
ax = eu.plot.performance_scatter(sdata, 'activity_0', 'activity_0_predictions', figsize=(4, 4),
                                 return_axes=True, save='p.pdf')
""",
    "histogram": "eu.plot.histplot(sdata, 'activity_0', 'v', return_axes=True)",
    "violins": "eu.plot.violinplot(sdata, ['activity_0'], groupby='train_val', figsize=(4, 4))",
    "attribute": """
eu.interpret.attribute_sdata(model, sdata, seq_var='ohe_seq', method='InputXGradient',
                             reference_type=None, target=0)
""",
    "track": "eu.plot.seq_track(sdata, 'seq01', 'InputXGradient_attrs', 'id', return_ax=True)",
    "filters": """
eu.interpret.generate_pfms_sdata(model, sdata, 'ohe_seq', 'conv1d_tower.layers.0', kernel_size=8,
                                 num_seqlets=5)
eu.interpret.filters_to_meme_sdata(sdata, 'conv1d_tower.layers.0_pfms', output_dir='out')
motifs = motifdata.read_meme('out/filters.meme')
eu.plot.multifilter_viz(sdata, filter_nums=[0, 1], pfms_var='conv1d_tower.layers.0_pfms',
                        num_rows=1, num_cols=2, figsize=(6, 2))
""",
    "evolve": "eu.interpret.evolve_seqs_sdata(model, sdata, 1, 'ohe_seq')",
    "slide": """
tata = sp.ohe(sp.cast_seqs('TATAAA'), sp.DNA)
small = sdata.isel(_sequence=slice(0, 3))
eu.interpret.positional_gia_sdata(model, small, tata, 'TATA', 'ohe_seq', 'id', 'TATA_slide')
eu.plot.positional_gia_plot(small, vars=['TATA_slide'], id_var='id', xlab='Position')
""",
    "distance": """
eu.interpret.motif_distance_dependence_gia(model, small, 'TATA', 'GATA', tile_step=20)
eu.plot.distance_cooperativity_gia_plot(small, motif_a_name='TATA', motif_b_name='GATA')
""",
    "explain": """
X = se.get_reference(small['ohe_seq'].values.swapaxes(1, 2), 'dinuc_shuffle')
maps = se.attribute(model, inputs=X.astype('float32'), method='DeepLift', device='cpu')
best = se.evolution(model, X[0], rounds=1, k=1)
acts = se.get_layer_outputs(model.arch, X, 'conv1d_tower.layers.0')
pfms = se.get_pfms(se.get_activators_n_seqlets(acts, X, 8, num_seqlets=3), 8)
""",
    "several": """
axes = eu.plot.countplot(sdata, vars=['label_0', 'label_1'], orient='h', xtick_rot=45)
assert len(axes) == 2
""",
    "tables": """
import pandas as pd
eu.settings.output_dir = 'out'
eu.evaluate.train_val_predictions_sequence_module(
    model, sdata=sdata, seq_var='ohe_seq', target_vars='activity_0', name='m', version='v')
eu.evaluate.predictions_sequence_module(
    model, sdata=sdata, seq_var='ohe_seq', target_vars='activity_0', name='m', version='v',
    file_label='test')
rows = [len(pd.read_csv(f'out/m/v/{part}_predictions.tsv', sep='\t', index_col=0))
        for part in ('train', 'val', 'test')]
assert rows[0] + rows[1] == rows[2] == 60
""",
    "loader": """
held = sdata.isel(_sequence=slice(0, 8)).assign(target=sdata['activity_0'][:8])
loader = sd.get_torch_dataloader(
    held, sample_dims=['_sequence'], variables=['ohe_seq', 'target'], batch_size=4,
    transform=lambda batch: {**batch, 'ohe_seq': batch['ohe_seq'].swapaxes(1, 2)})
found = eu.evaluate.predictions(model, loader, 0)
np.testing.assert_allclose(found.iloc[:, -1], sdata['activity_0_predictions'][:8], rtol=1e-4)
""",
    "store": """
sd.to_zarr(sdata[['seq', 'ohe_seq', 'activity_0', 'train_val']], 'x.zarr', mode='w')
again = sd.open_zarr('x.zarr').load()
assert np.array_equal(again['ohe_seq'].values, sdata['ohe_seq'].values)
""",
    "motifs": """
for motif in motifs:
    ppm = motif.pfm / motif.pfm.sum(axis=1, keepdims=True)
    assert ppm.shape == (motif.length, 4) and len(motif.consensus) == motif.length
eu.models.init_motif_weights(model.arch, 'conv1d_tower.layers.0', motifs.today[:1])
mine = motifdata.MotifSet(motifs={k: m for k, m in motifs.motifs.items()})
""",
    "scores": """
table = eu.plot.performance_summary(sdata, 'activity_0', ['activity_0_predictions'],
                                    metrics=['r2', 'pearson'], size=8, orient='h')
assert list(table.columns) == ['r2', 'pearson']
""",
    "performance": """
scores = eu.plot.performance_summary(sdata, target_var='activity_0',
                                     prediction_vars=['activity_0_predictions'], metrics='pearson',
                                     groupby='train_val')
""",
}  # fmt: skip


def test_a_notebook_runs_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib.pyplot as plt

    import eugene as eu

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path / "cache"))
    place: dict[str, Any] = {}
    failed = {}
    try:
        for name, cell in CELLS.items():
            try:
                exec(cell, place)
            except Exception as error:
                failed[name] = f"{type(error).__name__}: {error}"
    finally:
        eu.settings.reset()
        plt.close("all")
    assert failed == {}
