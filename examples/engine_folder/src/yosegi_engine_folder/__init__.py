"""An engine whose worker is a folder: proposals.csv goes out, results.csv comes back."""

from yosegi_engine_folder.engine import FolderEngine
from yosegi_engine_folder.settings import FolderSettings
from yosegi_engine_folder.tables import PROPOSALS, RESULTS

__all__ = ["FolderEngine", "FolderSettings", "PROPOSALS", "RESULTS"]
