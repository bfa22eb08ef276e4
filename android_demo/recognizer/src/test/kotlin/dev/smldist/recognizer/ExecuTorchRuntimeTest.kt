package dev.smldist.recognizer

import dev.smldist.inference.GoldenWindows
import dev.smldist.inference.ModelException
import dev.smldist.inference.Pack
import dev.smldist.recognizer.executorch.ExecuTorchRuntime
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import java.io.File

/** The model's AAR for ExecuTorch, run by the real ExecuTorch of the host. */
@RunWith(RobolectricTestRunner::class)
internal class ExecuTorchRuntimeTest {
    private val app = RuntimeEnvironment.getApplication()
    private val assets = File("target/model-executorch/assets/smldist/${MODEL.name}")

    @Test
    fun `the model of the ExecuTorch AAR passes its self-test, and is written out once`() {
        assumeTrue("the build holds no executorch file", assets.isDirectory)
        val pack = Pack.read { File(assets, it).readBytes() }
        val contract = pack.manifest.contract
        val file = pack.models.single()
        repeat(2) {
            ExecuTorchRuntime().open(app, file, contract, pack.file(file.path)).use { classifier ->
                assertTrue(pack.selfTest(file).run(classifier).passed)
                assertEquals("ExecuTorch ${ExecuTorchRuntime.VERSION}", classifier.runtime)
            }
        }
        assertEquals(listOf("${file.sha256}.pte"), File(app.filesDir, "smldist").list()!!.toList())
        val older = ExecuTorchRuntime("0.1.0")
        assertThrows(ModelException::class.java) { older.open(app, file, contract, pack.file(file.path)) }
        assertTrue(GoldenWindows.read(pack.file("selftest.npz")).size > 1)
    }
}
