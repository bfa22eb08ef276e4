package dev.smldist.recognizer

import android.content.Context
import android.view.Surface
import dev.smldist.inference.Classifier
import dev.smldist.inference.Pack
import dev.smldist.sensing.AxisMap
import dev.smldist.sensing.ModelFile
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.Rejection
import dev.smldist.sensing.SensorContract
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.tensorflow.lite.Interpreter
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit

/** A published model's AAR, as an app has it, run by the real TFLite library. */
@RunWith(RobolectricTestRunner::class)
internal class ActivityRecognizerTest {
    private val litert = LiteRtRuntime()

    /** Opens models by [open]; by default LiteRT. */
    private class OtherRuntime(
        override val target: String = "tflite",
        private val open: (Classifier) -> Classifier = { it },
    ) : InferenceRuntime {
        override fun open(
            context: Context,
            model: ModelFile,
            contract: SensorContract,
            content: ByteArray,
        ): Classifier = open(LiteRtRuntime().open(context, model, contract, content))
    }

    @Test
    fun `golden windows as sensor events get the reference's answer, with its confidence and since when`() {
        val device = TestDevice()
        val running = device.start()
        val expected = checkNotNull(device.golden.logits)
        val sure = expected.indices.maxBy { expected[it].max() - expected[it].sorted().dropLast(1).last() }
        device.play(device.golden.x[sure], times = 4)
        val found = device.latest()
        assertEquals(argmax(expected[sure]), found.place)
        assertEquals(found.confidence, found.probabilities[found.place!!], 0f)
        assertTrue(found.confidence > 0.6f)
        assertEquals(1f, found.probabilities.sum(), 1e-4f)
        // The first window ends one step before its length.
        assertTrue("since ${found.sinceMs}", found.sinceMs in 2_000L..6_000L)
        device.play(device.golden.x[sure], times = 2)
        assertEquals(found.sinceMs, device.latest().sinceMs)
        running.close()
        assertFalse(device.listening)
    }

    @Test
    fun `the model's object names version, contract and activities`() {
        assertTrue(MODEL.version.matches(Regex("""\d+\.\d+\.\d+""")))
        assertEquals(MODEL.contract.labels, (MODEL.activities as List<*>).map { (it as ActivityLabel).label })
        assertTrue(MODEL.contract.maxGapS > 0)
    }

    @Test
    fun `the flow begins unknown, recognises, and lets the sensors go when its collector ends`() =
        runBlocking {
            val device = TestDevice()
            val known = CompletableDeferred<Recognition<*>>()
            val begun = CompletableDeferred<Recognition<*>>()
            val job =
                launch(Dispatchers.Default) {
                    ActivityRecognizer.create(device.app, MODEL).activities.collect { found: Recognition<*> ->
                        begun.complete(found)
                        if (found.place != null) known.complete(found)
                    }
                }
            val first = withTimeout(PATIENCE_MS) { begun.await() }
            assertNull(first.place)
            assertEquals(0f, first.confidence)
            assertTrue(device.listening)
            device.play(device.golden.x[0], times = 4)
            assertNotNull(withTimeout(PATIENCE_MS) { known.await() }.place)
            val thread = device.thread()
            job.cancelAndJoin()
            assertFalse(device.listening)
            thread.join(PATIENCE_MS)
            assertFalse(thread.isAlive)
        }

    @Test
    fun `the flow fails where nothing can be recognised`() {
        val device = TestDevice(listOf(Quantity.ACCELEROMETER))
        val recognizer = ActivityRecognizer.create(device.app, MODEL)
        val error =
            assertThrows(RecognizerException::class.java) {
                runBlocking { withTimeout(PATIENCE_MS) { recognizer.activities.first() } }
            }
        assertEquals(Reason.SENSOR_MISSING, error.reason)
        assertTrue(error.message!!, "gyroscope" in error.message!!)
    }

    @Test
    fun `a sensor that Android refuses to deliver is told`() {
        val device = TestDevice()
        device.refuse()
        ActivityRecognizer.create(device.app, MODEL).start(device) { it.run() }
        val error = device.failure()
        assertEquals(error.message, Reason.SENSOR_REFUSED, error.reason)
        assertFalse(device.listening)
    }

    @Test
    fun `an end while the model loads leaves no sensor on, tells nothing and closes the model`() {
        val device = TestDevice()
        val (loading, ended) = List(2) { CountDownLatch(1) }
        var closed = 0
        val slow =
            OtherRuntime { opened ->
                loading.countDown()
                ended.await()
                object : Classifier by opened {
                    override fun close() {
                        closed++
                        opened.close()
                    }
                }
            }
        val recognizer = ActivityRecognizer.create(device.app, MODEL, RecognizerOptions(slow))
        val running = recognizer.start(device) { it.run() }
        assertTrue(loading.await(1, TimeUnit.MINUTES))
        val thread = device.thread()
        running.close()
        running.close()
        ended.countDown()
        thread.join(PATIENCE_MS)
        assertFalse(device.listening)
        assertEquals(1, closed)
        assertEquals(0, device.told.size + device.failures.size)
    }

    @Test
    fun `what was posted before the end is not told after it`() {
        val device = TestDevice()
        val posted = mutableListOf<Runnable>()
        val running =
            ActivityRecognizer
                .create(
                    device.app,
                    MODEL,
                ).start(device) { synchronized(posted) { posted += it } }
        while (synchronized(posted) { posted.isEmpty() }) Thread.sleep(20)
        running.close()
        posted.forEach(Runnable::run)
        assertEquals(0, device.told.size)
    }

    @Test
    fun `silent sensors end the activity and are told`() {
        val device = TestDevice()
        val running = device.start(RecognizerOptions(litert, batchMs = 0))
        device.play(device.golden.x[0], times = 4)
        device.pass(1)
        assertNotNull(device.latest().place)
        device.pass(1)
        val silent = device.latest()
        assertNull(silent.place)
        assertEquals(Notice.SILENT, silent.notice)
        assertEquals(0f, silent.confidence)
        device.play(device.golden.x[0], times = 2, only = setOf(Quantity.ACCELEROMETER))
        device.pass(1)
        assertEquals(0, device.told.size)
        device.play(device.golden.x[0], times = 2)
        device.pass(1)
        val again = device.latest()
        assertNotNull(again.place)
        assertNull(again.notice)
        running.close()
    }

    @Test
    fun `a sensor that holds its events back for a batch is not silent`() {
        val device = TestDevice()
        val running = device.start(RecognizerOptions(litert, batchMs = 3_000))
        device.play(device.golden.x[0], times = 4)
        device.pass(1)
        assertNotNull(device.latest().place)
        device.pass(3)
        assertEquals(0, device.told.size)
        device.pass(1)
        assertEquals(Notice.SILENT, device.latest().notice)
        running.close()
    }

    @Test
    fun `acceleration in g and a low rate are told`() {
        val device = TestDevice()
        val running = device.start()
        device.play(device.golden.x[0], times = 6, scale = 1 / 9.80665f)
        device.pass(1)
        assertEquals(Notice.LOOKS_LIKE_G, device.latest().notice)
        running.close()
        val slow = TestDevice()
        val other = slow.start()
        slow.play(slow.golden.x[0], times = 3, stepNs = 40_000_000L)
        slow.pass(1)
        assertEquals(Notice.LOW_RATE, slow.latest().notice)
        other.close()
    }

    @Test
    fun `a model that computes other scores recognises nothing`() {
        val device = TestDevice()
        val wrong =
            OtherRuntime { opened ->
                object : Classifier by opened {
                    override fun classify(
                        window: FloatArray,
                        logits: FloatArray,
                    ) {
                        opened.classify(window, logits)
                        logits.reverse()
                    }
                }
            }
        ActivityRecognizer.create(device.app, MODEL, RecognizerOptions(wrong)).start(device) { it.run() }
        assertEquals(Reason.SELF_TEST, device.failure().reason)
        assertFalse(device.listening)
    }

    @Test
    fun `an 8-bit model without XNNPACK's kernels is told, or refused where they are demanded`() {
        val device = TestDevice()
        val precision = pack(device).models.single().precision
        assumeTrue("the published model is $precision", precision == "int8_static")
        val bare = LiteRtRuntime { Interpreter(it, Interpreter.Options().setUseXNNPACK(false)) }
        val running = ActivityRecognizer.create(device.app, MODEL, RecognizerOptions(bare)).start(device) { it.run() }
        assertEquals(Notice.SLOW_KERNELS, device.next().notice)
        device.pass(1)
        device.play(device.golden.x[0], times = 4)
        device.pass(1)
        assertEquals(Notice.SLOW_KERNELS, device.latest().notice)
        running.close()

        val refusing = RecognizerOptions(bare, xnnpackOnly = true)
        ActivityRecognizer.create(device.app, MODEL, refusing).start(device) { it.run() }
        val error = device.failure()
        assertEquals(Reason.SELF_TEST, error.reason)
        assertTrue(error.message!!, "XNNPACK's are demanded" in error.message!!)
        assertFalse(device.listening)

        device.told.clear()
        device.start(RecognizerOptions(xnnpackOnly = true)).close()
    }

    @Test
    fun `a runtime that the model has no file for, and one that cannot be loaded, are told`() {
        val device = TestDevice()
        val other = RecognizerOptions(OtherRuntime("executorch"))
        ActivityRecognizer.create(device.app, MODEL, other).start(device) { it.run() }
        val missing = device.failure()
        assertEquals(Reason.RUNTIME_MISSING, missing.reason)
        assertTrue(missing.message!!, "has no executorch file" in missing.message!!)
        val broken = RecognizerOptions(OtherRuntime { throw UnsatisfiedLinkError("no tensorflowlite_jni") })
        ActivityRecognizer.create(device.app, MODEL, broken).start(device) { it.run() }
        assertEquals(Reason.RUNTIME_MISSING, device.failure().reason)
    }

    @Test
    fun `assets of another version and an enum in another order are refused`() {
        val device = TestDevice()
        val activities = (MODEL.activities as List<Any>)[0].javaClass.enumConstants
        for ((other, words) in listOf(
            variant<AnyActivity>("0".repeat(64), activities) to "are not those of",
            variant<AnyActivity>(MODEL.packSha256, activities.reversedArray()) to "the enum names",
        )) {
            ActivityRecognizer.create(device.app, other).start(device) { it.run() }
            val error = device.failure()
            assertEquals(Reason.MODEL, error.reason)
            assertTrue(error.message!!, words in error.message!!)
        }
    }

    @Suppress("UNCHECKED_CAST")
    private fun <A : Enum<A>> variant(
        pack: String,
        activities: Array<*>,
    ): RecognitionModel<A> =
        object : RecognitionModel<A>(MODEL.name, "9.9.9", pack, "{}", 0.1, activities as Array<A>) {}

    @Test
    fun `a contract's threshold makes windows unknown that it is above`() {
        val rejecting = answers(MODEL.contract.copy(rejection = Rejection(temperature = 50f, threshold = 0.9f)))
        val accepting = answers(MODEL.contract)
        assertNull(rejecting)
        assertNotNull(accepting)
    }

    private fun answers(contract: SensorContract): Int? {
        val device = TestDevice()
        var last: Answer? = null
        val pack = pack(device)
        val file = pack.models.single()
        val ready = CountDownLatch(1)
        val session =
            RecognitionSession(
                device.app,
                {
                    OpenedModel(
                        contract,
                        litert.open(device.app, file, contract, pack.file(file.path)),
                        pack.selfTest(file),
                    )
                },
                AxisMap.DEVICE,
                0,
                object : SessionObserver {
                    override fun onAnswer(answer: Answer) {
                        last = answer
                        ready.countDown()
                    }

                    override fun onFailure(error: RecognizerException) {
                        device.onFailure(error)
                    }
                },
            )
        assertTrue(ready.await(1, TimeUnit.MINUTES))
        device.play(device.golden.x[0], times = 4)
        session.close()
        return last?.index
    }

    @Test
    fun `a phone turned to landscape is no tablet, and a tablet turned to portrait no phone`() {
        assertSame(AxisMap.DEVICE, deviceAxes(Surface.ROTATION_0, 400, 900))
        assertSame(AxisMap.DEVICE, deviceAxes(Surface.ROTATION_90, 900, 400))
        assertSame(AxisMap.LANDSCAPE_NATURAL, deviceAxes(Surface.ROTATION_270, 600, 960))
        assertSame(AxisMap.LANDSCAPE_NATURAL, deviceAxes(Surface.ROTATION_180, 960, 600))
    }

    private fun pack(device: TestDevice): Pack =
        Pack.read { path ->
            device.app.assets
                .open("smldist/${MODEL.name}/$path")
                .use { it.readBytes() }
        }

    private fun argmax(row: FloatArray) = row.indices.maxByOrNull { row[it] }

    private companion object {
        const val PATIENCE_MS = 60_000L
    }
}
