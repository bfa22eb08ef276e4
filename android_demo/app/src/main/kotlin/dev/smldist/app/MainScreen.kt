package dev.smldist.app

import androidx.activity.compose.PredictiveBackHandler
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.BoxWithConstraints
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.WindowInsets
import androidx.compose.foundation.layout.WindowInsetsSides
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.only
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawing
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.layout.windowInsetsPadding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.ExperimentalMaterial3Api
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Scaffold
import androidx.compose.material3.SnackbarHost
import androidx.compose.material3.SnackbarHostState
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TopAppBar
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableFloatStateOf
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.graphicsLayer
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import dev.smldist.common.Action
import dev.smldist.common.UiState

/** What the screen is on. */
internal enum class Page(
    val title: Int,
) {
    NOW(R.string.app_name),
    RECORDINGS(R.string.recordings),
    DETAILS(R.string.details),
}

/**
 * The whole screen: one column on a phone held upright; two on anything wider, so that the primary action stays visible.
 *
 * @param toggle starts or ends the recognition
 * @param share hands a recording to another app
 */
@Composable
internal fun MainScreen(
    model: MainViewModel,
    toggle: () -> Unit,
    share: (Recording) -> Unit,
) {
    var page by rememberSaveable { mutableStateOf(Page.NOW) }
    var back by remember { mutableFloatStateOf(0f) }
    PredictiveBackHandler(page != Page.NOW) { progress ->
        try {
            progress.collect { back = it.progress }
            page = Page.NOW
        } finally {
            back = 0f
        }
    }
    val snackbars = remember { SnackbarHostState() }
    LaunchedEffect(model) { model.messages.collect { snackbars.showSnackbar(it) } }
    BoxWithConstraints(Modifier.fillMaxSize()) {
        val wide = maxWidth >= TWO_PANES
        Scaffold(
            topBar = { Bar(page) { page = it } },
            bottomBar = { if (!wide && page == Page.NOW) ActionBar(model, toggle, Modifier.bottomInsets()) },
            snackbarHost = { SnackbarHost(snackbars) },
            contentWindowInsets = WindowInsets.safeDrawing,
        ) { insets ->
            val shown =
                Modifier.graphicsLayer {
                    scaleX = 1 - back * SHRINK
                    scaleY = scaleX
                }
            if (wide) {
                TwoPanes(model, page, toggle, share, insets, shown)
            } else {
                Pane(Modifier.padding(insets).then(shown)) {
                    if (page == Page.NOW) Now(model) else Beside(model, page, share)
                    if (page == Page.NOW) Measured(model)
                }
            }
        }
    }
}

@Composable
private fun TwoPanes(
    model: MainViewModel,
    page: Page,
    toggle: () -> Unit,
    share: (Recording) -> Unit,
    insets: PaddingValues,
    modifier: Modifier,
) {
    Row(Modifier.padding(insets)) {
        Column(Modifier.weight(1f)) {
            Pane(Modifier.weight(1f)) { Now(model) }
            ActionBar(model, toggle)
        }
        Pane(Modifier.weight(1f).fillMaxHeight().then(modifier)) {
            val state by model.state.collectAsStateWithLifecycle()
            if (page == Page.NOW && state is UiState.Running) Measured(model) else Beside(model, page, share)
        }
    }
}

/** A column of cards that scrolls. */
@Composable
private fun Pane(
    modifier: Modifier,
    content: @Composable ColumnScope.() -> Unit,
) {
    Column(
        modifier.fillMaxWidth().verticalScroll(rememberScrollState()).padding(horizontal = 16.dp, vertical = 8.dp),
        verticalArrangement = Arrangement.spacedBy(12.dp),
        content = content,
    )
}

@Composable
private fun Beside(
    model: MainViewModel,
    page: Page,
    share: (Recording) -> Unit,
) {
    if (page == Page.RECORDINGS) RecordingsPage(model, share) else DetailsPage(model)
}

@OptIn(ExperimentalMaterial3Api::class)
@Composable
private fun Bar(
    page: Page,
    open: (Page) -> Unit,
) {
    TopAppBar(
        title = { Text(stringResource(page.title), maxLines = 1, overflow = TextOverflow.Ellipsis) },
        navigationIcon = {
            if (page != Page.NOW) BarButton(R.drawable.ic_back, R.string.back) { open(Page.NOW) }
        },
        actions = {
            if (page != Page.RECORDINGS) {
                BarButton(R.drawable.ic_recordings, R.string.recordings) { open(Page.RECORDINGS) }
            }
            if (page != Page.DETAILS) BarButton(R.drawable.ic_details, R.string.details) { open(Page.DETAILS) }
        },
    )
}

@Composable
private fun BarButton(
    icon: Int,
    name: Int,
    press: () -> Unit,
) {
    IconButton(onClick = press) { Icon(painterResource(icon), stringResource(name)) }
}

/** The one primary action. */
@Composable
private fun ActionBar(
    model: MainViewModel,
    toggle: () -> Unit,
    modifier: Modifier = Modifier,
) {
    val state by model.state.collectAsStateWithLifecycle()
    val action = Action.of(state)
    Surface(color = MaterialTheme.colorScheme.surface) {
        Row(modifier.fillMaxWidth().padding(horizontal = 16.dp, vertical = 12.dp), Arrangement.Center) {
            Button(
                onClick = toggle,
                enabled = state != UiState.Loading,
                modifier = Modifier.weight(1f, fill = false).widthIn(max = 480.dp).fillMaxWidth().heightIn(min = 56.dp),
            ) {
                Row(verticalAlignment = Alignment.CenterVertically) {
                    Icon(painterResource(action.icon), null, Modifier.size(24.dp))
                    Text(
                        stringResource(action.text),
                        Modifier.padding(start = 8.dp),
                        style = MaterialTheme.typography.titleMedium,
                    )
                }
            }
        }
    }
}

@Composable
private fun Modifier.bottomInsets(): Modifier =
    windowInsetsPadding(WindowInsets.safeDrawing.only(WindowInsetsSides.Bottom + WindowInsetsSides.Horizontal))

private val TWO_PANES = 600.dp

/** Share of its size that a page loses while it is swept back. */
private const val SHRINK = 0.1f
