package dev.smldist.app

import android.content.Intent
import dev.smldist.common.TestDevice
import dev.smldist.common.VerifyActivity
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.double
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import java.io.File

@RunWith(RobolectricTestRunner::class)
internal class VerifyActivityTest {
    private val phone = TestDevice()
    private val folder = checkNotNull(phone.app.getExternalFilesDir(null))

    private fun verify(vararg extras: Pair<String, String>): File {
        val intent = Intent(phone.app, VerifyActivity::class.java).putExtra(VerifyActivity.RUNS, 5)
        for ((key, value) in extras) intent.putExtra(key, value)
        Robolectric.buildActivity(VerifyActivity::class.java, intent).setup()
        val outcomes = listOf(VerifyActivity.REPORT, VerifyActivity.FAILURE).map { File(folder, it) }
        val until = System.nanoTime() + TestDevice.PATIENCE_NS
        while (System.nanoTime() < until) {
            outcomes.find { it.exists() }?.let { return it }
            Thread.sleep(20)
        }
        throw AssertionError("neither report nor error in $folder")
    }

    @Test
    fun `pushed windows give a report of every model, in the form of factory verify`() {
        File(folder, "golden.npz").writeBytes(phone.app.pack.file("selftest.npz"))
        val written = verify(VerifyActivity.TEST to "golden.npz")
        written.copyTo(File(TestDevice.outputs, "report.json"), overwrite = true)
        val report = Json.parseToJsonElement(written.readText()).jsonObject
        val found = report.getValue("verifications").jsonArray.map { it.jsonObject }
        val (runnable, others) = phone.app.pack.models.partition { it.target == "tflite" }
        assertEquals(runnable.map { it.path }, found.map { it.getValue("subject").jsonPrimitive.content })
        val missing = report.getValue("checks").jsonArray.map { it.jsonObject }
        assertEquals(others.map { it.precision }, missing.map { it.getValue("precision").jsonPrimitive.content })
        assertTrue(missing.all { it.getValue("outcome").jsonPrimitive.content == "not_run" })
        val single = found.first { it.getValue("precision").jsonPrimitive.content == "fp32" }
        val parity = single.getValue("parity").jsonObject
        assertTrue(parity.getValue("max_abs").jsonPrimitive.double <= 1e-4)
        assertTrue(single.getValue("accuracy").jsonObject.getValue("macro_f1").jsonPrimitive.double > 0)
        val manifest = Json.parseToJsonElement(phone.app.pack.file("manifest.json").decodeToString()).jsonObject
        val python = manifest.getValue("verifications").jsonArray[0].jsonObject
        for (part in listOf("parity", "accuracy", "latency")) {
            assertEquals(python.getValue(part).jsonObject.keys, single.getValue(part).jsonObject.keys)
        }
    }

    @Test
    fun `missing windows and unknown models end in one line`() {
        val missing = verify()
        assertEquals(VerifyActivity.FAILURE, missing.name)
        assertTrue(missing.readText(), "golden.npz" in missing.readText())
        File(folder, "golden.npz").writeBytes(phone.app.pack.file("selftest.npz"))
        missing.delete()
        val unknown = verify(VerifyActivity.MODEL to "other")
        assertTrue("no model other" in unknown.readText())
    }
}
