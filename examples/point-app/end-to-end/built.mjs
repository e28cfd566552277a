// What cargo built: the release, or by the profile that BUILT_BY_PROFILE names, as `./test` does.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.env.CARGO_TARGET_DIR ?? join(dirname(fileURLToPath(import.meta.url)), '../../../target');

export const built = (name) => join(folder, process.env.BUILT_BY_PROFILE ?? 'release', name);
