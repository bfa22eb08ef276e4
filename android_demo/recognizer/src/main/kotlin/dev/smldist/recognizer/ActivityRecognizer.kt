package dev.smldist.recognizer

import android.content.Context
import android.os.Handler
import android.os.Looper
import dev.smldist.inference.ModelException
import dev.smldist.inference.Pack
import dev.smldist.inference.RuntimeMissingException
import dev.smldist.inference.sha256
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.conflate
import java.util.concurrent.Executor

/** Is told what is recognised. */
public interface RecognitionListener<A : Enum<A>> {
    /** The activity, its confidence or a notice changed. */
    public fun onRecognition(recognition: Recognition<A>)

    /** Nothing more will come. */
    public fun onFailure(error: RecognizerException)
}

/**
 * Recognises by a published model what the phone's owner does.
 *
 * ```
 * ActivityRecognizer.create(context, MotionsenseModel).activities.collect { println(it.activity) }
 * ```
 *
 * Nothing runs before [activities] is collected or [start] is called. Then the model is read and checked on a thread of its
 * own, the sensors are registered, and all ends with the collection. Android delivers no sensors to an app in the background:
 * collect in a foreground service of type `health`, with a wake lock, to go on while the screen is off.
 */
public class ActivityRecognizer<A : Enum<A>> private constructor(
    private val context: Context,
    private val model: RecognitionModel<A>,
    private val options: RecognizerOptions,
) {
    /**
     * The latest recognition. Each collector runs the model anew: share the flow (`shareIn`) between several.
     *
     * Fails with [RecognizerException].
     */
    public val activities: Flow<Recognition<A>> =
        callbackFlow {
            val session =
                session(
                    object : RecognitionListener<A> {
                        override fun onRecognition(recognition: Recognition<A>) {
                            trySend(recognition)
                        }

                        override fun onFailure(error: RecognizerException) {
                            close(error)
                        }
                    },
                )
            awaitClose(session::close)
        }.conflate()

    /**
     * Begins to recognise, until the returned object is closed; that may be done at any time.
     *
     * @param executor calls [listener]; the main thread by default
     */
    @JvmOverloads
    public fun start(
        listener: RecognitionListener<A>,
        executor: Executor = mainThread(),
    ): AutoCloseable {
        val delivery = Delivery(listener, executor)
        val session = session(delivery)
        return AutoCloseable {
            delivery.ended = true
            session.close()
        }
    }

    private fun session(listener: RecognitionListener<A>): RecognitionSession {
        val axes = options.axes ?: deviceAxes(context)
        return RecognitionSession(context, ::open, axes, options.batchMs, Told(listener), options.xnnpackOnly)
    }

    private fun open(): OpenedModel {
        val pack = Pack.read(::asset)
        val contract = pack.manifest.contract
        requireLabels(contract.labels)
        val file =
            pack.models.find { it.target == options.runtime.target }
                ?: throw RuntimeMissingException(
                    "the model ${model.name} has no ${options.runtime.target} file, it has " +
                        "${pack.models.joinToString { it.target }}: depend on the AAR of that runtime",
                )
        val classifier = options.runtime.open(context, file, contract, pack.file(file.path))
        return OpenedModel(contract, classifier, pack.selfTest(file))
    }

    private fun asset(path: String): ByteArray {
        val content = context.assets.open("${model.folder}/$path").use { it.readBytes() }
        if (path == Pack.INDEX && sha256(content) != model.packSha256) {
            throw ModelException(
                "the assets of ${model.name} are not those of ${model.version}: clean and build the app",
            )
        }
        return content
    }

    private fun requireLabels(labels: List<String>) {
        val named = model.activities.map { (it as? ActivityLabel)?.label }
        if (named != labels) throw ModelException("the enum names $named, the model $labels: take one version of both")
    }

    /** Answers as recognitions; one that is equal to the last is not told again. */
    private inner class Told(
        private val listener: RecognitionListener<A>,
    ) : SessionObserver {
        private var last: Recognition<A>? = null

        override fun onAnswer(answer: Answer) {
            val index = answer.index
            val confidence = answer.probabilities.let { if (index == null) it.max() else it[index] }
            val activity = index?.let(model.activities::get)
            val told = Recognition(activity, confidence, answer.sinceMs, answer.probabilities, answer.notice)
            if (told == last) return
            last = told
            listener.onRecognition(told)
        }

        override fun onFailure(error: RecognizerException) = listener.onFailure(error)
    }

    /** Calls on an executor, which may come after the end. */
    private class Delivery<A : Enum<A>>(
        private val listener: RecognitionListener<A>,
        private val executor: Executor,
    ) : RecognitionListener<A> {
        @Volatile
        var ended = false

        override fun onRecognition(recognition: Recognition<A>) {
            executor.execute { if (!ended) listener.onRecognition(recognition) }
        }

        override fun onFailure(error: RecognizerException) {
            executor.execute { if (!ended) listener.onFailure(error) }
        }
    }

    public companion object {
        /**
         * A recogniser that does nothing yet.
         *
         * @param context any; the application's is kept
         * @param model the object of a model's AAR
         */
        @JvmStatic
        @JvmOverloads
        public fun <A : Enum<A>> create(
            context: Context,
            model: RecognitionModel<A>,
            options: RecognizerOptions = RecognizerOptions(),
        ): ActivityRecognizer<A> = ActivityRecognizer(context.applicationContext, model, options)

        private fun mainThread(): Executor = Handler(Looper.getMainLooper()).let { main -> Executor { main.post(it) } }
    }
}
