package dev.smldist.app

import dev.smldist.inference.RuntimeMissingException
import dev.smldist.sensing.ModelFile

/** What [use] gives; a runtime whose classes or native library cannot be loaded is a [RuntimeMissingException]. */
internal inline fun <T> linked(
    model: ModelFile,
    use: () -> T,
): T =
    try {
        use()
    } catch (error: LinkageError) {
        val message = "${model.path}: its runtime is not in this app, or cannot be loaded here (${error.message})"
        throw RuntimeMissingException(message, error)
    }
