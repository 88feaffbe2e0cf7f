"""Training modules, losses, metrics, optimisers and schedules."""

from __future__ import annotations

from eugene._tasks import TASKS as TASKS
from eugene._tasks import Task as Task
from eugene._tasks import get_task as get_task
from eugene.modules._checkpoint import load_checkpoint as load_checkpoint
from eugene.modules._config import load_config as load_config
from eugene.modules.losses import make_loss as make_loss
from eugene.modules.metrics import make_metric as make_metric
from eugene.modules.optimizers import make_optimizer as make_optimizer
from eugene.modules.optimizers import make_scheduler as make_scheduler
from eugene.modules.profile import ProfileModule as ProfileModule
from eugene.modules.profile import ProfilePrediction as ProfilePrediction
from eugene.modules.sequence import SequenceModule as SequenceModule
from eugene.modules.tracks import TrackModule as TrackModule
