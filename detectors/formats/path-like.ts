/** Folders at the root of a Linux system (file-hierarchy(7)). */
const systemFolders = 'bin|boot|dev|etc|home|lib|lib64|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var';
const outOfFolder = new RegExp(String.raw`^(?:~?\\|~/|/(?:/|(?:${systemFolders})(?:/|$))|[A-Za-z]:[/\\])|(?:^|[/\\])\.\.(?:[/\\]|$)`);

/**
 * A name that a tool which makes files of names would write outside of its folder: a system's path, from a home or parent
 * folder, or with a drive. Slashes inside are ordinary, and one in front is what exporters of ONNX write (`/layer1/Conv`).
 */
export const isPathLike = (name: string): boolean => outOfFolder.test(name);
