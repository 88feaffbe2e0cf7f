"""What is published of each architecture: the configuration, and how many parameters it has.

The one table that ``eugene zoo`` prints and that the tests hold the architectures against. The
first row of a model is the configuration of its paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Published(NamedTuple):
    """A published configuration.

    Attributes
    ----------
    model : str
        Name in the registry.
    arguments : mapping
        Arguments that differ from the defaults of the architecture.
    parameters : int or None
        Trainable parameters as published; None where no count to compare with is known.
    source : str
        Where the configuration and the count come from.
    """

    model: str
    arguments: Mapping[str, Any]
    parameters: int | None
    source: str


_EUGENE = "EUGENe 0.1.2, built and counted"
_CRESTED = "CREsted 1.10, built and counted"

_PAIR = {
    "id": "pair",
    "background": {"length": 200, "letters": [{"letters": dict.fromkeys("ACGT", 1)}]},
    "sets": {
        name: [{"samples": 1, "conditions": ["near"]}]
        for name in ("training", "validation", "test")
    },
    "conditions": {
        "near": {
            "rules": [
                {
                    "elements": ["cebpb", "gabpa"],
                    "spacing": [{"between": ["cebpb", "gabpa"], "distance": [0, 10]}],
                }
            ]
        }
    },
    "elements": {"cebpb": {"kmers": {"ATTGCGCAAT": 1}}, "gabpa": {"kmers": {"ACCGGAAGT": 1}}},
    "task": "multi-label",
}

PUBLISHED: tuple[Published, ...] = (
    Published("cnn", {"input_len": 200, "output_dim": 1}, None, "a general network"),
    Published("hybrid", {"input_len": 200, "output_dim": 1}, None, "a general network"),
    Published("deepbind", {"input_len": 41, "output_dim": 1}, 2_129, _EUGENE),
    Published(
        "deepbind",
        {"input_len": 101, "output_dim": 1, "mode": "dna"},
        1_617,
        "16 detectors of width 16, 32 hidden, counted by hand",
    ),
    Published(
        "deepstarr",
        {"input_len": 249, "output_dim": 2},
        622_722,
        "Keras counts 624,738 with the 2,016 statistics of batch normalisation",
    ),
    Published("jores21_cnn", {"input_len": 170, "output_dim": 1}, 1_825_921, _EUGENE),
    Published(
        "jores21_cnn", {"variant": "published"}, 1_825_921, "tobjores, CNN/CNN_train+evaluate.ipynb"
    ),
    Published("kopp21_cnn", {"input_len": 500, "output_dim": 1}, 743, _EUGENE),
    Published("bpnet", {}, 109_122, "bpnet-lite, built and counted: 64 filters, 8 layers"),
    Published("bpnet", {"n_outputs": 2, "n_control_tracks": 2}, 114_224, "bpnet-lite"),
    Published(
        "bpnet", {"n_filters": 128, "n_layers": 4}, 217_730, "bpnet-lite: ChromBPNet's bias network"
    ),
    Published(
        "chrombpnet", {}, 6_377_986, "bpnet-lite and Keras: the main network, the bias not trained"
    ),
    Published(
        "chrombpnet",
        {"freeze_bias": False},
        6_377_986 + 217_730,
        "bpnet-lite: the main network and that of the bias",
    ),
    Published("cherimoya", {}, 613_892, "cherimoya 0.2.1, built and counted"),
    Published("basenji", {}, None, "calico/basenji, manuscripts/cross2020/params_human.json"),
    Published("crested_basenji", {}, 2_035_867, _CRESTED),
    Published("simple_convnet", {}, 9_272_835, _CRESTED),
    Published("deeptopic_cnn", {}, 11_694_160, _CRESTED),
    Published("deeptopic_lstm", {}, 6_388_124, _CRESTED),
    Published("dilated_cnn", {}, 6_320_659, _CRESTED),
    Published("legnet", {}, 1_322_465, "human_legnet, built and counted"),
    Published(
        "legnet", {"input_channels": 5}, 1_323_169, "human_legnet with the channel of the strand"
    ),
    Published(
        "legnet",
        {
            "input_len": 2_114,
            "output_dim": 19,
            "stem_ks": 5,
            "ef_ks": 3,
            "batchnorm_eps": 1e-3,
            "output_activation": "softplus",
        },
        862_451,
        _CRESTED,
    ),
    Published("malinois", {}, 4_107_183, "boda2 (BassetBranched), built and counted"),
    Published("explainn", {}, 308_301, "wassermanlab/ExplaiNN, built and counted"),
    Published("explainn", {"n_units": 300, "output_dim": 50}, 939_650, "wassermanlab/ExplaiNN"),
    Published("sei", {}, 889_979_983, "FunctionLab/sei-framework, built and counted"),
    Published("aparent", {}, None, "johli/aparent, aparent_model_plasmid_large_lessdropout.py"),
    Published("optimus", {}, None, "pjsample/human_5utr_modeling, the main model"),
    Published(
        "optimus",
        {"input_len": 54, "n_conv": 2, "conv_filters": 40, "padding": "valid"},
        78_241,
        "the weights in evolution_model.hdf5, counted",
    ),
    Published("fcn", {"input_len": 200, "output_dim": 1}, None, "a general network"),
    Published("rnn", {"input_len": 200, "output_dim": 1}, None, "a general network"),
    Published("ds_fcn", {"input_len": 200, "output_dim": 1}, None, "a general network"),
    Published("ds_cnn", {"input_len": 200, "output_dim": 1}, None, "a general network"),
    Published("ds_rnn", {"input_len": 200, "output_dim": 1}, None, "a general network"),
    Published("ds_hybrid", {"input_len": 200, "output_dim": 1}, None, "a general network"),
    Published("tutorial_cnn", {"input_len": 100, "output_dim": 1}, 2_581, _EUGENE),
    Published("inception", {"input_len": 100, "output_dim": 1}, None, "sizes of EUGENe 0.1.2"),
    Published("residualbind", {}, 214_849, "p-koo/residualbind, residualbind.py, counted by hand"),
    Published("deepsea", {}, 52_843_119, "Zhou and Troyanskaya 2015, counted by hand"),
    Published("basset", {}, 4_735_064, "boda2 (Basset), built and counted"),
    Published("basset", {"padding": "valid"}, 4_135_064, "Kelley et al. 2016, counted by hand"),
    Published("factorized_basset", {}, None, "Wnuk et al. 2019 by way of EUGENe 0.1.2"),
    Published(
        "danq", {}, 46_929_039, "Selene, built and counted; one bias less in Keras: 46,926,479"
    ),
    Published("satori", {}, None, "fahadahaf/satori, CNN-RNN-MH-noEmbds_hyperParams.txt"),
    Published(
        "deepmel",
        {},
        3_442_200,
        "luckyday1122/DeepMEL_tutorial, code/training.ipynb, counted by hand",
    ),
    Published(
        "scbasset",
        {"output_dim": 2_714},
        4_603_522,
        "calico/scBasset, counted by hand: 4,513,960 and 33 a cell",
    ),
    Published("chromdragonn", {}, None, "kundajelab/ChromDragoNN, model_zoo/stage1/resnet.py"),
    Published("heartenn", {}, 11_289_117, "Selene, built and counted"),
    Published("acme_cnn", {}, 46_225, "tfomics (cnn_dist), counted by hand"),
    Published("enformer", {}, 251_221_292, "deepmind-research (Enformer), built and counted"),
    Published(
        "enformer_finetune",
        {},
        229_845_504 + 602_625,
        "mauranolab/finetune-enformer, built and counted: one head of 64/64",
    ),
    Published(
        "enformer_finetune",
        {"value_size": 128},
        229_845_504 + 812_033,
        "mauranolab/finetune-enformer: one head of 64/128",
    ),
    Published(
        "enformer_finetune",
        {"n_heads": 4},
        229_845_504 + 2_410_497,
        "mauranolab/finetune-enformer: four heads of 64/64",
    ),
    Published("borzoi", {}, 190_902_667, "calico/borzoi by way of borzoi-pytorch: both heads"),
    Published("borzoi", {"heads": {"human": 7_611}}, 185_892_699, "the same, the head of human"),
    Published(
        "operations",
        {
            "input_len": 1_000,
            "output_dim": 2,
            "operations": [
                {
                    "name": "conv1d",
                    "filters": 10,
                    "kernel_size": 21,
                    "padding": "same",
                    "activation": "relu",
                },
                {"name": "globalmaxpool1d"},
                {"name": "dense", "units": 5, "activation": "relu"},
                {"name": "dense", "units": 2},
            ],
        },
        917,
        "seqgra, o2-dna1000-conv10w-gmp-fc5.py, counted by hand",
    ),
    Published("bayes_optimal", {"definition": _PAIR}, 0, "nothing is trained"),
)
"""The rows of each architecture beside one another."""

PREDICTS: dict[str, str] = {
    "cnn": "anything",
    "hybrid": "anything",
    "deepbind": "protein binding",
    "deepstarr": "enhancer activity",
    "jores21_cnn": "promoter strength",
    "kopp21_cnn": "protein binding",
    "bpnet": "binding profiles",
    "chrombpnet": "accessibility profiles",
    "cherimoya": "profiles",
    "basenji": "coverage in bins",
    "crested_basenji": "accessibility",
    "simple_convnet": "accessibility",
    "deeptopic_cnn": "topics of accessibility",
    "deeptopic_lstm": "topics of accessibility",
    "dilated_cnn": "accessibility",
    "legnet": "reporter activity",
    "malinois": "reporter activity",
    "explainn": "protein binding",
    "sei": "chromatin profiles",
    "aparent": "polyadenylation",
    "optimus": "ribosome load",
    "fcn": "anything",
    "rnn": "anything",
    "inception": "anything",
    "ds_fcn": "anything",
    "ds_cnn": "anything",
    "ds_rnn": "anything",
    "ds_hybrid": "anything",
    "tutorial_cnn": "promoter strength",
    "residualbind": "protein binding",
    "deepsea": "chromatin profiles",
    "basset": "accessibility",
    "factorized_basset": "accessibility",
    "danq": "chromatin profiles",
    "satori": "accessibility",
    "deepmel": "topics of accessibility",
    "scbasset": "accessibility of cells",
    "chromdragonn": "accessibility",
    "heartenn": "chromatin profiles",
    "acme_cnn": "protein binding",
    "enformer": "coverage in bins",
    "enformer_finetune": "activity of constructs",
    "borzoi": "coverage in bins",
    "operations": "anything",
    "bayes_optimal": "labels of a grammar",
}
"""What each architecture was made to predict."""
