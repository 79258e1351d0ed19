"""Measures of picture quality: of pixels and spectra, distances by judges, and FID through torchmetrics.

Pictures are NumPy arrays ``(band, y, x)`` or ``(image, band, y, x)``, in any units; figures called
"in units" are in theirs (counts, for uint8).
"""

from geoinfinite.evaluation.images import EvaluationError as EvaluationError
from geoinfinite.evaluation.inception import frechet_inception_distance as frechet_inception_distance
from geoinfinite.evaluation.inception import kernel_inception_distance as kernel_inception_distance
from geoinfinite.evaluation.judges import Judge as Judge
from geoinfinite.evaluation.judges import csmask_judge as csmask_judge
from geoinfinite.evaluation.judges import galileo_judge as galileo_judge
from geoinfinite.evaluation.judges import geoembed_judge as geoembed_judge
from geoinfinite.evaluation.kernel import KernelDistance as KernelDistance
from geoinfinite.evaluation.kernel import kid as kid
from geoinfinite.evaluation.patches import laplacian_pyramid as laplacian_pyramid
from geoinfinite.evaluation.patches import sliced_wasserstein as sliced_wasserstein
from geoinfinite.evaluation.pixels import colour_distance as colour_distance
from geoinfinite.evaluation.pixels import contrast_kurtosis as contrast_kurtosis
from geoinfinite.evaluation.pixels import detail_spread as detail_spread
from geoinfinite.evaluation.pixels import diversity as diversity
from geoinfinite.evaluation.pixels import parent_error as parent_error
from geoinfinite.evaluation.spectra import octave_power as octave_power
from geoinfinite.evaluation.spectra import octave_ratios as octave_ratios
from geoinfinite.evaluation.spectra import power_spectrum as power_spectrum
from geoinfinite.evaluation.spectra import spectral_slope as spectral_slope
from geoinfinite.evaluation.tiles import repetition as repetition
from geoinfinite.evaluation.tiles import seam_phase_ratio as seam_phase_ratio
