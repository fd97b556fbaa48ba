# What a type checker and an editor see of the lazy names of __init__.py; a test holds the two together.
from probes import analysis as analysis
from probes import estimators as estimators
from probes import integrations as integrations
from probes import learners as learners
from probes import log as log
from probes import quantities as quantities
from probes import studies as studies
from probes.analysis.study import open_study as open_study
from probes.directions import Directions as Directions
from probes.errors import ProbesError as ProbesError
from probes.log import open_log as open_log
from probes.log import open_logs as open_logs
from probes.quantities import ProbeBatch as ProbeBatch
from probes.quantities import Quantity as Quantity
from probes.quantities import Tap as Tap
from probes.recording import Recorder as Recorder
from probes.recording import StackedRecorder as StackedRecorder
from probes.roles import role as role
from probes.schedules import at as at
from probes.schedules import every as every
from probes.schedules import first as first
from probes.schedules import logarithmic as logarithmic
from probes.schedules import window as window

__version__: str
